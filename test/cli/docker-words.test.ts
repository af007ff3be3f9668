/** The command line as Docker's users type it: shortcuts, options before the command, inspect of anything, refusals. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBench } from './container/bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('lower', 'up', 'mnt');
  bench.addImages();
  bench.get('create', '--name', 'same', '-l', 'tier=web', 'box', 'sh', '-c', 'echo a b');
  bench.get('volume', 'create', '--name', 'same', '--label', 'kept=yes');
  bench.plyfs('mount', '-l', 'lower', '--upper', 'up', 'mnt');
});
afterAll(() => {
  bench.plyfs('umount', 'mnt');
  bench.dispose();
});

const withRoot = (...args: string[]) => bench.plyfs('--root', bench.store.root, ...args);

describe('options before the command', () => {
  it('hold for it, as those behind it do', () => {
    expect(withRoot('volume', 'ls', '-q').stdout).toBe('same\n');
    expect(withRoot('-D', '-l', 'debug', 'ps', '-aq').stdout).toHaveLength(13);
    expect(bench.plyfs('--root', '/nothere', 'volume', 'ls', '-q', '--root', bench.store.root).stdout).toBe(
      'same\n',
    );
  });

  it.each([
    ['-H', 'tcp://there:2375'],
    ['-c', 'there'],
  ])('%s is refused with the reason', (flag, value) => {
    const { code, stderr } = withRoot(flag, value, 'ps');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^plyfs: .* cannot be had: plyfs has no daemon elsewhere/),
    ]);
  });
});

describe('shortcuts', () => {
  it.each([
    [['rmi', 'nothere'], "plyfs rmi: no such image: 'nothere'"],
    [['tag', 'nothere', 'x'], "plyfs tag: no such image: 'nothere'"],
    [['history', 'nothere'], "plyfs history: no such image: 'nothere'"],
    [['save', 'nothere'], "plyfs save: no such image: 'nothere'"],
    [['load', '-i', 'nothere'], "plyfs load: cannot read 'nothere': no such file or directory"],
    [['import', 'nothere'], "plyfs import: cannot read 'nothere': no such file or directory"],
    [['build', 'nothere'], "plyfs build: the build context 'nothere'"],
    [['top', 'same'], "plyfs top: container 'same' is not running"],
  ])('%j speaks in its own name', (args, line) => {
    const { code, stderr } = withRoot(...args);
    expect([code, stderr.startsWith(line)]).toEqual([1, true]);
  });

  it('info and version take a template', () => {
    expect(withRoot('info', '--format', '{{.Root}}').stdout).toBe(`${bench.store.root}\n`);
    expect(bench.plyfs('version', '-f', '{{.Client.Os}} {{.Server.Arch}}').stdout).toMatch(/^linux \w+\n$/);
  });
});

describe('what cannot be had', () => {
  it.each([
    [['pause', 'same'], /there is no 'pause': plyfs does not freeze/],
    [['container', 'stats', '--no-stream'], /there is no 'container stats': plyfs does not count/],
    [['network', 'ls'], /there is no 'network': containers share the host's network/],
    [['compose', 'up', '-d'], /there is no 'compose'/],
    [['pull', '-a', 'box'], /--all-tags cannot be had: 'plyfs image tags'/],
    [['rm', '-l', 'same'], /--link cannot be had: containers have no links/],
    [
      ['volume', 'create', '--scope', 'single', 'x1'],
      /--scope cannot be had: there are no volumes of a cluster/,
    ],
    [['frob'], /unknown command 'frob'/],
  ])('%j is refused in a line', (args, reason) => {
    const { code, stdout, stderr } = withRoot(...args);
    expect([code === 0, stdout, stderr.trimEnd().split('\n').length]).toEqual([false, '', 1]);
    expect(stderr).toMatch(reason);
  });
});

describe('plyfs inspect', () => {
  it('finds a container, an image, a volume, a mount, in this order, or of the type that is asked for', () => {
    expect(withRoot('inspect', '-f', '{{.Name}}', 'same').stdout).toBe('/same\n');
    expect(withRoot('inspect', '-f', '{{.Driver}}', '--type', 'volume', 'same').stdout).toBe('local\n');
    expect(withRoot('inspect', '-f', '{{.RepoTags}}', 'box').stdout).toBe('[box:latest]\n');
    expect(withRoot('inspect', '-f', '{{.mountpoint}}', 'mnt').stdout).toBe(`${bench.root}/mnt\n`);
    const [container, mount] = JSON.parse(withRoot('inspect', '/same', `${bench.root}/mnt`).stdout);
    expect([container.Name, mount.mountpoint]).toEqual(['/same', `${bench.root}/mnt`]);
  });

  it('shows what it finds also where something is missing', () => {
    const both = withRoot('inspect', '-f', '{{.Name}}', 'same', 'nothere');
    expect([both.code, both.stdout]).toEqual([1, '/same\n']);
    expect(both.stderr).toMatch(/^plyfs inspect: no such object: 'nothere'; /);
    expect(withRoot('inspect', 'nothere')).toMatchObject({ code: 1, stdout: '[]\n' });
    expect(withRoot('volume', 'inspect', 'nothere')).toMatchObject({ code: 1, stdout: '[]\n' });
    expect(withRoot('inspect', '--type', 'frob', 'same').stderr).toContain(
      '"frob" is not a valid value for --type; there are container, image, volume, mount',
    );
  });

  it('has what is unset, and sizes where they are asked for', () => {
    const unset = '[{{.Config.User}}] {{.Config.OnBuild}} {{.State.Health}} {{.SizeRw}} {{.RestartCount}}';
    expect(withRoot('inspect', '-f', unset, 'same').stdout).toBe('[] [] <nil> <nil> 0\n');
    expect(withRoot('inspect', '-s', '-f', '{{.SizeRw}}', 'same').stdout).toBe('0\n');
    expect(withRoot('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', 'same').stdout).toMatch(/\/upper\n$/);
  });
});

describe('lists', () => {
  it('have the rows of Docker', () => {
    const template = '{{.Command}}|{{.Label "tier"}}|{{.Labels}}|{{.Networks}}|{{.LocalVolumes}}|{{.Size}}';
    expect(withRoot('ps', '-a', '--format', template).stdout).toMatch(
      /^"sh -c 'echo a b'"\|web\|tier=web\|host\|0\|0B \(virtual .*\)\n$/,
    );
    const row = JSON.parse(withRoot('ps', '-a', '--format', 'json').stdout);
    expect([row.Names, row.Labels, row.LocalVolumes]).toEqual(['same', 'tier=web', '0']);
    expect(withRoot('volume', 'ls', '--format', '{{.Links}} {{.Label "kept"}}').stdout).toBe('N/A yes\n');
    expect(withRoot('history', '--format', '{{.ID}}', 'box').stdout).toMatch(/^[0-9a-f]{12}\n<missing>\n/);
  });

  it('prune by age', () => {
    expect(withRoot('volume', 'prune', '-af', '--filter', 'until=24h').stdout).toBe(
      'Total reclaimed space: 0B\n',
    );
    expect(withRoot('container', 'prune', '-f', '--filter', 'until=24h').stdout).toBe(
      'Total reclaimed space: 0B\n',
    );
    expect(withRoot('system', 'prune', '-f', '--filter', 'until=24h').stdout).toBe(
      'Total reclaimed space: 0B\n',
    );
    expect(withRoot('volume', 'ls', '-q').stdout).toBe('same\n');
  });
});
