/** A figure over time as a line: a step at each time at which somebody looked. */

import { element } from './element.js';
import { shownSize, shownTime } from './shown-text.js';

interface TimedSize {
  readonly timeMs: number;
  readonly bytes: number;
}

const WIDTH = 300;
const HEIGHT = 72;
const SVG = 'http://www.w3.org/2000/svg';

/** @param points the oldest first; two at least. */
export function sparkline(points: readonly TimedSize[]): HTMLElement {
  const first = points[0]!;
  const last = points.at(-1)!;
  const most = points.reduce((max, { bytes }) => Math.max(max, bytes), 0);
  const line = stepLine(points, most);
  const label = `From ${shownSize(first.bytes)} on ${shownTime(first.timeMs)} to ${shownSize(last.bytes)} on ${shownTime(last.timeMs)}, ${shownSize(most)} at most`;
  const svg = svgElement('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': label,
    class: 'sparkline',
  });
  svg.append(
    svgElement('path', { class: 'area', d: `${line} V${HEIGHT} H0 Z` }),
    svgElement('path', { d: line }),
  );
  return element(
    'div',
    { attributes: { title: label } },
    svg,
    element(
      'div',
      { class: 'quiet spread' },
      element('span', {}, shownTime(first.timeMs).slice(0, 16)),
      element('span', {}, shownTime(last.timeMs).slice(0, 16)),
    ),
  );
}

/** The figure holds until it was found to be another. */
export function stepLine(points: readonly TimedSize[], most: number): string {
  const beginMs = points[0]?.timeMs ?? 0;
  const spanMs = Math.max(1, (points.at(-1)?.timeMs ?? 0) - beginMs);
  const rounded = (value: number): number => Math.round(value * 10) / 10;
  const places = points.map(({ timeMs, bytes }) => ({
    x: rounded(((timeMs - beginMs) / spanMs) * WIDTH),
    y: rounded(HEIGHT - (most === 0 ? 0 : (bytes / most) * (HEIGHT - 4))),
  }));
  return places.map(({ x, y }, index) => (index === 0 ? `M${x} ${y}` : `H${x} V${y}`)).join(' ');
}

function svgElement(tag: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(SVG, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
