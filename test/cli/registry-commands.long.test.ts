/**
 * `plyfs image pull` and `push` with Debian's docker-registry and skopeo at the other end.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DockerRegistry } from '../helpers/docker-registry.js';
import { cliScript, type Result, until, Workbench } from './plyfs-run.js';

let bench: Workbench;
let registry: DockerRegistry;
let host: string;

async function startRegistry(): Promise<void> {
  registry = await DockerRegistry.start(bench.root);
  host = registry.host;
}

beforeEach(() => {
  bench = new Workbench('tree/etc', 'a', 'b');
});

afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  bench.dispose();
});

function image(root: string, ...args: string[]): Result {
  return bench.plyfs('image', ...args, '--root', root);
}

function importTree(root: string, name: string): string {
  expect(bench.run('tar', '-C', 'tree', '-czf', 'tree.tar.gz', '.').code).toBe(0);
  const { code, stdout, stderr } = image(root, 'import', 'tree.tar.gz', name);
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trim();
}

describe('a registry on loopback', () => {
  it('gets an image by push, which skopeo reads, and gives it back by pull', async () => {
    await startRegistry();
    writeFileSync(join(bench.root, 'tree/etc/motd'), 'hello\n');
    const name = `${host}/team/app:1`;
    const id = importTree('a', name);
    expect(image('a', 'push', name)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('blobs sent: 2'),
    });
    expect(image('a', 'push', name)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('blobs sent: 0'),
    });
    const seen = bench.run('skopeo', 'inspect', '--config', '--tls-verify=false', `docker://${name}`);
    expect([seen.code, seen.stderr]).toEqual([0, '']);
    expect(JSON.parse(seen.stdout)).toMatchObject({
      os: 'linux',
      rootfs: { diff_ids: [expect.stringMatching(/^sha256:/)] },
    });

    const pulled = image('b', 'pull', name);
    expect([pulled.code, pulled.stderr]).toEqual([0, '']);
    expect(pulled.stdout).toMatch(/^Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded image\n/);
    expect(image('b', 'pull', name).stdout).toContain('Image is up to date');
    expect(image('b', 'ls', '-q', '--no-trunc').stdout.trim()).toBe(id);
    const [layer] = readdirSync(join(bench.root, 'b/layers'));
    expect(readFileSync(join(bench.root, 'b/layers', layer ?? '', 'tree/etc/motd'), 'utf8')).toBe('hello\n');
    expect(readdirSync(join(bench.root, 'b/images/partial'))).toEqual([]);
  });

  it('gives one image of an index, which is found again by the digest of the index', async () => {
    await startRegistry();
    const name = `${host}/team/app`;
    importTree('a', `${name}:1`);
    const digest = image('a', 'push', '-q', `${name}:1`).stdout.trim();
    const url = `http://${host}/v2/team/app/manifests`;
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = await fetch(`${url}/1`, { headers: { accept: type } });
    const size = (await manifest.arrayBuffer()).byteLength;
    const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
    const entries = [{ os: 'unknown', architecture: 'unknown' }, platform, { ...platform, os: 'plan9' }];
    const index = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: entries.map((one) => ({ mediaType: type, digest, size, platform: one })),
    };
    const headers = { 'content-type': index.mediaType };
    const put = await fetch(`${url}/all`, { method: 'PUT', headers, body: JSON.stringify(index) });
    const pinned = `${name}@${put.headers.get('docker-content-digest')}`;

    expect(image('b', 'pull', '-q', pinned)).toMatchObject({ code: 0, stdout: `${pinned}\n`, stderr: '' });
    expect(image('b', 'prune', '-f').stdout).toBe('Total reclaimed space: 0B\n');
    expect(image('b', 'ls', '--format', '{{.Repository}} {{.Tag}}').stdout).toBe(`${name} <none>\n`);
    expect(image('b', 'inspect', '--format', '{{.Digest}} {{json .RepoDigests}}', pinned).stdout).toBe(
      `${digest} ["${pinned}"]\n`,
    );
    // As for Docker, the tag beside a digest says nothing.
    expect(image('b', 'pull', `${pinned.replace('@', ':other@')}`).stdout).toContain('Image is up to date');
    image('b', 'pull', '-q', `${name}:all`);
    expect(image('b', 'rm', pinned).stdout).toBe(`Untagged: ${pinned}\n`);
    expect(image('b', 'ls', '--format', '{{.Tag}}').stdout).toBe('all\n');
    expect(image('b', 'pull', '--platform', 'linux/mips', `${name}:all`).stderr).toBe(
      `plyfs image pull: '${name}:all' has no image for linux/mips; choose one with --platform: linux/${platform.architecture}, plan9/${platform.architecture}\n`,
    );
    expect(image('b', 'pull', '--platform', 'linux/mips', `${name}:1`).stderr).toBe(
      `plyfs image pull: '${name}:1' is for linux/${platform.architecture}, not linux/mips\n`,
    );
  });

  it('that is left by Ctrl-C leaves the partial blob alone', async () => {
    await startRegistry();
    const name = `${host}/big:1`;
    writeFileSync(join(bench.root, 'tree/noise'), randomBytes(48 * 1024 * 1024));
    importTree('a', name);
    expect(image('a', 'push', '-q', name).code).toBe(0);
    const pull = bench.start(process.execPath, cliScript, 'image', 'pull', '--root', 'b', name);
    const partial = join(bench.root, 'b/images/partial');
    const sizes = () =>
      existsSync(partial) ? readdirSync(partial).map((file) => statSync(join(partial, file)).size) : [];
    await until(() => sizes().some((size) => size > 0));
    pull.kill('SIGINT');
    expect(await once(pull, 'exit')).toEqual([null, 'SIGINT']);
    for (const folder of ['layers', 'pending', 'trash']) {
      expect(readdirSync(join(bench.root, 'b', folder))).toEqual([]);
    }
    expect(readdirSync(join(bench.root, 'b/images'))).toEqual(['partial']);
    expect(image('b', 'prune', '-f').stdout).toMatch(/^Total reclaimed space: [\d.]+[kM]B\n$/);
    expect(readdirSync(partial)).toEqual([]);
  });

  it('takes blobs over from another repository of it', async () => {
    await startRegistry();
    importTree('a', `${host}/one:1`);
    importTree('a', `${host}/two:1`);
    expect(image('a', 'push', `${host}/one:1`).stdout).toContain('blobs sent: 2');
    // The layer is mounted; the config is another, since it says when it was made.
    expect(image('a', 'push', `${host}/two:1`).stdout).toContain('blobs sent: 1');
  });

  it('is given user and password of ~/.docker/config.json', async () => {
    registry = await DockerRegistry.withPassword(bench.root);
    host = registry.host;
    const name = `${host}/app:1`;
    importTree('a', name);
    expect(image('a', 'push', name).stderr).toContain(`access to '${host}' denied: no credentials for it; `);
    mkdirSync(join(bench.root, 'docker'));
    const auth = (password: string): string => {
      const entry = { auth: Buffer.from(`anna:${password}`).toString('base64') };
      return JSON.stringify({ auths: { [host]: entry } });
    };
    const file = join(bench.root, 'docker/config.json');
    bench.env.DOCKER_CONFIG = join(bench.root, 'docker');
    writeFileSync(file, auth('wrong'));
    expect(image('a', 'push', name).stderr).toContain(`access to '${host}' denied for user 'anna'`);
    writeFileSync(file, auth('secret'));
    expect(image('a', 'push', name)).toMatchObject({ code: 0, stderr: '' });
    expect(image('b', 'pull', '-q', name)).toMatchObject({ code: 0, stdout: `${name}\n`, stderr: '' });
  });

  it('that changed a blob is caught, and nothing of it is left', async () => {
    await startRegistry();
    const name = `${host}/app:1`;
    importTree('a', name);
    image('a', 'push', name);
    const blobs = join(bench.root, 'registry/docker/registry/v2/blobs/sha256');
    const found = bench.run('find', blobs, '-name', 'data', '-size', '-2k').stdout.trim().split('\n');
    for (const path of found) {
      const bytes = readFileSync(path);
      if (bytes[0] !== 0x1f) continue;
      bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1;
      writeFileSync(path, bytes);
    }
    const pulled = image('b', 'pull', name);
    expect(pulled.code).toBe(1);
    expect(pulled.stderr).toMatch(/^plyfs image pull: .*(digest|damaged|incorrect)/);
    expect(image('b', 'ls', '-q').stdout).toBe('');
    expect(readdirSync(join(bench.root, 'b/layers'))).toEqual([]);
  });

  it.each([
    ['none', "no such image in the registry: 'HOST/none:latest'"],
    ['app@sha256:1', "invalid reference format: 'HOST/app@sha256:1': 'sha256:1' is no sha256 digest"],
  ])('says what is wrong with %s', async (path, message) => {
    await startRegistry();
    const { code, stderr } = image('b', 'pull', `${host}/${path}`);
    expect(code).toBe(1);
    expect(stderr).toContain(message.replace('HOST', host));
    rmSync(join(bench.root, 'b'), { recursive: true });
  });
});
