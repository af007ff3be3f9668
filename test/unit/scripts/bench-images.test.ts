/** What the benchmark of images makes of its times and of its command line. */

import { describe, expect, it } from 'vitest';
import { parseImageOptions } from '../../../scripts/bench/bench-images.js';
import { imageTable } from '../../../scripts/bench/image-report.js';

describe('imageTable()', () => {
  it('gives medians, the most memory, and marks a peer that is faster', () => {
    const plyfs = [3, 1, 2].map((seconds) => ({ seconds, mib: 50 + seconds }));
    const peer = { tool: 'umoci unpack', script: 'true' };
    const text = imageTable([
      {
        workload: { name: 'load', plyfs: { script: 'true' }, peer },
        plyfs,
        peer: [{ seconds: 2.5, mib: 9 }],
      },
      {
        workload: { name: 'save', plyfs: { script: 'true' }, peer },
        plyfs,
        peer: [{ seconds: 1.5, mib: 9 }],
      },
      { workload: { name: 'zstd', plyfs: { script: 'true' } }, plyfs, peer: [] },
    ]);
    expect(text).toContain('| load | 2.00 | 53 MiB | umoci unpack | 2.50 | 9 MiB |');
    expect(text).toContain('| save | 2.00 | 53 MiB | umoci unpack (missed) | 1.50 | 9 MiB |');
    expect(text).toContain('| zstd | 2.00 | 53 MiB | none can |  |  |');
  });
});

describe('parseImageOptions()', () => {
  it('takes rounds and where to write, and nothing else', () => {
    expect(parseImageOptions([])).toEqual({ rounds: 3, jsonFile: undefined, write: false });
    expect(parseImageOptions(['--rounds', '1', '--write']).write).toBe(true);
    expect(() => parseImageOptions(['--rounds', '0'])).toThrow(/invalid --rounds '0'/);
    expect(() => parseImageOptions(['--only', 'x'])).toThrow(/--only/);
  });
});
