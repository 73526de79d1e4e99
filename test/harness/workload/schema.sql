-- Tables of the workload, the same at the provider and at every subscriber.

CREATE TABLE public.account (id int PRIMARY KEY, opening bigint NOT NULL, balance bigint NOT NULL, ver bigint NOT NULL);
CREATE TABLE public.transfer (txno bigint PRIMARY KEY, src int NOT NULL, dst int NOT NULL, amt bigint NOT NULL);

-- A transaction writes all its rows with the same txno; of_k says how many there are over the three tables.
CREATE TABLE public.group_a (txno bigint, k int, of_k int NOT NULL, PRIMARY KEY (txno, k));
CREATE TABLE public.group_b (txno bigint, k int, of_k int NOT NULL, PRIMARY KEY (txno, k));
CREATE TABLE public.group_c (txno bigint, k int, of_k int NOT NULL, PRIMARY KEY (txno, k));

-- Every transaction writes one row here: what became of it can be read from this table alone.
CREATE TABLE public.log (id bigserial PRIMARY KEY, txno bigint NOT NULL, payload text);

CREATE TABLE public.pkmove (id int PRIMARY KEY, code text NOT NULL UNIQUE, note text);
CREATE TABLE public.side (id bigint PRIMARY KEY, note text);
CREATE TABLE public.counter (name text PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE public.bulk (id bigint PRIMARY KEY, filler text, n int NOT NULL);

CREATE TYPE public.mood AS ENUM ('calm', 'odd one', 'quote''d', '');
CREATE TYPE public.pair AS (a int, b text);
CREATE TABLE public.kinds (
  id bigint PRIMARY KEY,
  c_int2 int2, c_int4 int4, c_int8 int8, c_numeric numeric, c_float4 float4, c_float8 float8,
  c_text text, c_char char(5), c_bytea bytea, c_bool bool,
  c_date date, c_timestamp timestamp, c_timestamptz timestamptz, c_time time, c_timetz timetz, c_interval interval,
  c_json json, c_jsonb jsonb, c_uuid uuid, c_inet inet, c_cidr cidr, c_macaddr macaddr,
  c_point point, c_bit bit varying(64), c_money money, c_tsvector tsvector,
  c_range int4range, c_tsrange tstzrange, c_texts text[], c_ints int[], c_mood public.mood, c_pair public.pair,
  c_pairs public.pair[]
);

-- Rows that triggers of the application change again, at the provider only.
CREATE TABLE public.job (id bigint PRIMARY KEY, state text NOT NULL, runs int NOT NULL DEFAULT 0);
CREATE TABLE public.job_history (id bigserial PRIMARY KEY, job bigint NOT NULL, state text NOT NULL, runs int NOT NULL);
