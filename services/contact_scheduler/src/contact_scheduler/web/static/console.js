// Refreshes the page's content in place every five seconds; open details and the reader's place are kept.
const PAUSE_MS = 5000;

async function refresh() {
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
      const live = document.getElementById("live");
      if (response.ok && fresh && !live.contains(document.activeElement)) {
        const open = [...live.querySelectorAll("details")].map((item) => item.open);
        fresh.querySelectorAll("details").forEach((item, index) => { item.open = open[index] ?? false; });
        live.replaceWith(fresh);
      }
    } catch {
      // The next round tries again; the page says how old it is.
    }
  }
  setTimeout(refresh, PAUSE_MS);
}

setTimeout(refresh, PAUSE_MS);
