import { codes, MillraceError } from '@millrace/errors';
import type { NewEvent } from '@millrace/provider';
import { z } from 'zod';

const field = z.unknown().optional();
const line = z.strictObject({
  type: field,
  data: field,
  extra1: field,
  extra2: field,
  extra3: field,
  extra4: field,
});

/** An event as one line of JSON. `at`: the line's number, from 1. Throws USAGE; never with what the line says. */
export function parseEventLine(text: string, at: number): NewEvent {
  const checked = line.safeParse(json(text));
  if (!checked.success) {
    throw new MillraceError(codes.USAGE, `line ${at} is not an event`, {
      advice: 'write {"type": …, "data": …, "extra1": …}, one a line',
    });
  }
  const { type, data, extra1, extra2, extra3, extra4 } = checked.data;
  return {
    type: asText(type),
    data: asText(data),
    extra1: asText(extra1),
    extra2: asText(extra2),
    extra3: asText(extra3),
    extra4: asText(extra4),
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Text unchanged, anything else as JSON. */
function asText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
