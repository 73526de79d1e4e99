import { expect, test } from 'vitest';
import { copyOutlook } from './copy-outlook.ts';

const estimate = { rows: 1000, bytes: 90_000 };

test('what is left is reported from the rate of the last seconds, bytes from the rows that came', () => {
  expect(copyOutlook({ rows: 250, bytes: 25_000, estimate, rowsPerS: 100 })).toEqual({
    total_rows: 1000,
    total_bytes: 100_000,
    rows_per_s: 100,
    eta_s: 8,
  });
});

test('before anything came the table itself is the measure; what stands still has no end', () => {
  expect(copyOutlook({ rows: 0, bytes: 0, estimate, rowsPerS: undefined })).toEqual({
    total_rows: 1000,
    total_bytes: 90_000,
    rows_per_s: null,
    eta_s: null,
  });
  expect(copyOutlook({ rows: 250, bytes: 25_000, estimate, rowsPerS: 0 }).eta_s).toBeNull();
});

test('statistics that are too small, or none, are no reason to tell nonsense', () => {
  expect(copyOutlook({ rows: 2000, bytes: 4000, estimate, rowsPerS: 10 })).toMatchObject({
    total_rows: 2000,
    eta_s: 0,
  });
  const nothing = { total_rows: null, total_bytes: null, rows_per_s: 10, eta_s: null };
  expect(copyOutlook({ rows: 5, bytes: 50, estimate: undefined, rowsPerS: 10 })).toEqual(nothing);
  expect(copyOutlook({ rows: 5, bytes: 50, estimate: { rows: 0, bytes: 0 }, rowsPerS: 10 })).toEqual(nothing);
});
