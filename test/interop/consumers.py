"""Consumers as people write them with python-pgq: consumers.py plain|coop|remote CONFIG [switches of the library].

Each event is written down with who took it; an event of type `again` is sent back once, `fail` breaks the consumer off once.
"""

import os
import sys

import pgq


class Taker:
    """What both kinds do with an event."""

    def take(self, curs, event):
        curs.execute(
            "insert into taken (event, data, retry, taker) values (%s, %s, %s, %s)",
            [event.ev_id, event.ev_data, event.ev_retry, self.job_name],
        )

    def break_off(self, event):
        mark = self.cf.getfile("broken_off")
        if event.ev_type == "fail" and not os.path.exists(mark):
            open(mark, "w", encoding="utf8").close()
            os.kill(os.getpid(), 9)


class Plain(Taker, pgq.Consumer):
    def process_event(self, db, event):
        self.break_off(event)
        if event.ev_type == "again" and not event.ev_retry:
            event.tag_retry(0)
            return
        self.take(db.cursor(), event)
        event.tag_done()


class Coop(Taker, pgq.CoopConsumer):
    process_event = Plain.process_event


class Remote(Taker, pgq.SerialConsumer):
    """Breaks off between the commit at the target and the one at the source: the moment for which positions are kept twice."""

    def process_remote_batch(self, db, batch_id, event_list, dst_db):
        curs = dst_db.cursor()
        for event in event_list:
            self.take(curs, event)
            self.last = event

    def process_batch(self, db, batch_id, event_list):
        self.last = None
        super().process_batch(db, batch_id, event_list)
        if self.last is not None:
            self.break_off(self.last)


def main(kind, args):
    if kind == "remote":
        Remote("consumers", "db", "target", args).start()
    else:
        {"plain": Plain, "coop": Coop}[kind]("consumers", "db", args).start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
