/** Where the rectangles of a treemap lie: squarified, Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000). */

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * @param sizes positive, largest first.
 * @returns a rectangle for each size, with areas in their proportion.
 */
export function squarify(sizes: readonly number[], into: Rectangle): Rectangle[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total === 0) return [];
  const scale = (into.width * into.height) / total;
  const areas = sizes.map((size) => size * scale);
  const placed: Rectangle[] = [];
  let rest = into;
  let at = 0;
  while (at < areas.length) {
    const side = Math.min(rest.width, rest.height);
    let end = at + 1;
    while (end < areas.length && worst(areas.slice(at, end + 1), side) <= worst(areas.slice(at, end), side))
      end++;
    const row = areas.slice(at, end);
    placed.push(...rowOf(row, rest));
    rest = without(rest, row);
    at = end;
  }
  return placed;
}

/** The worst ratio of sides in a row. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, area) => total + area, 0);
  const squared = (sum / side) ** 2;
  return Math.max(...row.map((area) => Math.max(squared / area, area / squared)));
}

function rowOf(row: readonly number[], { x, y, width, height }: Rectangle): Rectangle[] {
  const sum = row.reduce((total, area) => total + area, 0);
  const isWide = width >= height;
  const depth = sum / (isWide ? height : width);
  let along = isWide ? y : x;
  return row.map((area) => {
    const length = area / depth;
    const placed = isWide
      ? { x, y: along, width: depth, height: length }
      : { x: along, y, width: length, height: depth };
    along += length;
    return placed;
  });
}

function without({ x, y, width, height }: Rectangle, row: readonly number[]): Rectangle {
  const sum = row.reduce((total, area) => total + area, 0);
  if (width >= height) {
    const depth = sum / height;
    return { x: x + depth, y, width: Math.max(0, width - depth), height };
  }
  const depth = sum / width;
  return { x, y: y + depth, width, height: Math.max(0, height - depth) };
}
