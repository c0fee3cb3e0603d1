// Refreshes the page's content in place; open details and the reader's place are kept, and who is logged out is told.
const PAUSE_MS = 5000;
const PAUSES_PER_ANSWER = 10; // a page that is slow to make is asked for less often

async function refresh() {
  const startedMs = performance.now();
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
      if (response.ok && !fresh) {
        location.reload(); // the session is over: show the login form instead of numbers that grow old
        return;
      }
      if (response.ok) {
        put(fresh);
      }
    } catch {
      // The next round tries again; the page says how old it is.
    }
  }
  setTimeout(refresh, Math.max(PAUSE_MS, PAUSES_PER_ANSWER * (performance.now() - startedMs)));
}

function put(fresh) {
  const live = document.getElementById("live");
  const place = live.contains(document.activeElement) ? document.activeElement : null;
  if (place && !place.matches("section")) {
    return; // somebody is about to follow a link or to press a button
  }
  const open = [...live.querySelectorAll("details")].map((item) => item.open);
  fresh.querySelectorAll("details").forEach((item, index) => { item.open = open[index] ?? false; });
  live.replaceWith(fresh);
  const label = place?.getAttribute("aria-labelledby");
  if (label) {
    fresh.querySelector(`section[aria-labelledby="${label}"]`)?.focus({ preventScroll: true });
  }
}

setTimeout(refresh, PAUSE_MS);
