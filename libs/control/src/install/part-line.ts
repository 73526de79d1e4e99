/** A sentence about one part (`provider`, `subscriber eu`, `bus`), which it names once. */
export function partLine(part: string, sentence: string): string {
  const isNamed = sentence.startsWith(`${part}:`) || sentence.startsWith(`the ${part}:`);
  return isNamed ? sentence : `${part}: ${sentence}`;
}
