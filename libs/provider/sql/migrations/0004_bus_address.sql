-- Where the bus of this database's queues is, for services that know only this database. One row: the bus is one for all
-- queues. The URL may hold the bus's secret, so only the owner's role may read it (grants.sql).
CREATE TABLE millrace.bus_address (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    url         text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
