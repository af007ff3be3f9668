/** Text takes as many cells of a terminal as it is fitted into, whatever characters it has. */

import { expect, it } from 'vitest';
import { cellWidth, endCells, fitCells } from '../../../src/cli/terminal/cell-width.js';

it.each([
  ['plain', 5],
  ['日本', 4],
  ['e\u0301', 1],
  ['', 0],
])('%j takes %i', (text, width) => expect(cellWidth(text)).toBe(width));

it.each([
  ['plain', 7, 'plain  '],
  ['plain', 4, 'pla…'],
  ['日本語', 4, '日… '],
  ['plain', 0, ''],
])('%j in %i cells is %j', (text, cells, fitted) => {
  expect(fitCells(text, cells)).toBe(fitted);
  expect(cellWidth(fitted)).toBe(cells);
});

it.each([
  ['plain', 5, 'plain'],
  ['plain', 4, '…ain'],
  ['日本語', 4, '…語'],
  ['plain', 1, '…'],
  ['plain', 0, ''],
])('the end of %j in %i cells is %j', (text, cells, end) => {
  expect(endCells(text, cells)).toBe(end);
});
