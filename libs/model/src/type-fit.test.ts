import { expect, test } from 'vitest';
import { typeFit } from './type-fit.ts';

/** `from → to`, several with bars between. */
const pairs = (text: string) =>
  text.split('|').map((pair) => pair.split('→').map((type) => type.trim()) as [string, string]);

test.each(
  pairs(`integer → integer | smallint → integer | integer → bigint | bigint → numeric | integer → numeric(12,2)
    | real → double precision | jsonb → json | uuid → text | public.grade → text | character(7) → character varying(7)
    | character varying(20) → character varying(40) | character varying(20) → text | text → character varying
    | text → public.citext | numeric(10,2) → numeric(12,2) | numeric(10,2) → numeric(12,4) | numeric(10,2) → numeric
    | numeric(3,-2) → numeric(5) | timestamp(0) without time zone → timestamp without time zone
    | timestamp(3) with time zone → timestamp(6) with time zone | time with time zone → time(6) with time zone
    | bit varying(3) → bit varying(5) | interval(2) → interval | interval day to second(3) → interval
    | bit(3) → "bit" | public.grade → public.grade
    | numeric(10,2)[] → numeric(10,2)[] | numeric(10,2)[] → numeric[] | interval day to second(3) → interval day to second(3)`),
)('%s fits into %s', (from, to) => {
  expect(typeFit(from, to)).toBe('fits');
});

test.each(
  pairs(`bigint → integer | integer → smallint | numeric(10,2) → integer | numeric → bigint | bigint → numeric(5)
    | numeric(10,2) → numeric(5,2) | numeric(10,2) → numeric(9,3)`),
)('%s is taken by %s, which refuses loudly what it cannot hold', (from, to) => {
  expect(typeFit(from, to)).toBe('fits');
});

test.each(
  pairs(`numeric(10,4) → numeric(10,2) | numeric → numeric(10,2) | numeric(10,2) → numeric(10,-2) | numeric → numeric(40)
    | bigint → numeric(20,-1) | double precision → real | double precision → numeric(10,2) | bigint → double precision
    | text → character varying(20) | character varying(40) → character varying(20) | text → character(20)
    | character(20) → character(10) | character(10) → character(20) | text → integer | integer → boolean | json → jsonb
    | timestamp without time zone → timestamp(0) without time zone | timestamp with time zone → timestamp without time zone
    | timestamp without time zone → timestamp with time zone | timestamp without time zone → date | date → integer
    | interval → interval(2) | interval(2) → interval(3) | bit(3) → bit(4) | integer[] → bigint[] | numeric(10,4)[] → numeric(10,2)[] | integer → integer[]
    | integer[] → integer | bit varying(5) → bit varying(3) | text → "char" | inet → cidr`),
)('%s would lose in %s', (from, to) => {
  expect(typeFit(from, to)).toBe('loses');
});

test.each(
  pairs('public.grade → public.level | public.geometry(Point,4326) → public.geometry | integer → public.grade'),
)('whether %s fits into %s only their database knows', (from, to) => {
  expect(typeFit(from, to)).toBe('unknown');
});
