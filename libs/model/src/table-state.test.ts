import { describe, expect, it } from 'vitest';
import { tableStates, transitions } from './table-state.ts';

describe('table states', () => {
  it('can all be reached from registered and can all return to it', () => {
    const reach = (from: string): Set<string> => {
      const seen = new Set([from]);
      for (let grew = true; grew; ) {
        grew = false;
        for (const t of transitions) {
          if (seen.has(t.from) && !seen.has(t.to)) {
            seen.add(t.to);
            grew = true;
          }
        }
      }
      return seen;
    };
    for (const state of tableStates) {
      expect(reach('registered')).toContain(state);
      expect(reach(state)).toContain('registered');
    }
  });

  it('never become ok without the kept changes being applied', () => {
    expect(transitions.filter(({ to }) => to === 'ok').map(({ from }) => from)).toEqual(['registered', 'catching-up']);
  });
});
