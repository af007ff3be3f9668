/** The places in docs/BENCHMARKS.md that `npm run bench -- --write` fills: what stands between two comments of theirs. */

interface Place {
  readonly begin: string;
  readonly end: string;
}

const mountPlace: Place = {
  begin: '<!-- bench: begin, written by npm run bench -- --write -->',
  end: '<!-- bench: end -->',
};

/** The place of the figures of images. */
export const imagePlace: Place = {
  begin: '<!-- bench images: begin, written by npm run bench -- images --write -->',
  end: '<!-- bench images: end -->',
};

/** What the figures were measured on, as /proc and Node say it. */
export interface Machine {
  /** ISO 8601. */
  readonly date: string;
  readonly kernel: string;
  readonly node: string;
  readonly processor: string;
  readonly processors: number;
}

/** The document with the new figures; what stood between the comments goes. @throws Error when they are missing. */
export function withFigures(text: string, figures: string, place = mountPlace): string {
  const begin = text.indexOf(place.begin);
  const end = text.indexOf(place.end, begin);
  if (begin < 0 || end < 0)
    throw new Error(
      `cannot write the figures into docs/BENCHMARKS.md: it lacks '${place.begin}' and '${place.end}'`,
    );
  return `${text.slice(0, begin + place.begin.length)}\n\n${figures}\n\n${text.slice(end)}`;
}

/** The line below the tables. */
export function provenance(machine: Machine, rounds: number): string {
  const { date, kernel, node, processor, processors } = machine;
  const count = rounds === 1 ? 'one round' : `median of ${rounds} interleaved rounds`;
  return `Measured on ${date.slice(0, 10)}: ${count}, ${processors} x ${processor}, Linux ${kernel}, Node ${node}.`;
}
