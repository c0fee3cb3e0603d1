"""Celery: prefork, acknowledged late so that a killed worker loses nothing, results not kept, one session a process."""

from __future__ import annotations

import os
import sys

import requests
from celery import Celery

from bench._queue_peers.form import form_of

app = Celery("peer", broker=os.environ["PEER_REDIS"])
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_hijack_root_logger=False)
session = requests.Session()


@app.task(name="send")
def send(number: int) -> None:
    """Post one message to the stub."""
    reply = session.post(os.environ["PEER_URL"], data=form_of(number), auth=("AC", "token"), timeout=10)
    reply.raise_for_status()


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        send.delay(number)
