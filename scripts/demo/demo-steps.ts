/**
 * What the demo shows, a function a step, in the order in which they run; each leaves the mount as the next needs it.
 */

import type { Layers } from './demo-layers.js';
import type { Narrator } from './narrator.js';

export interface Scene {
  readonly narrator: Narrator;
  readonly layers: Layers;
  /** Passed on to `plyfs mount`, with a space at the end, or empty. */
  readonly mountOptions: string;
  /** Whether this host can mount kernel overlayfs. */
  readonly overlay: boolean;
  /** Whether a mount outlives its daemon here: Linux 6.9, engine kernel. */
  readonly outlives: boolean;
}

const layerSum = 'tar --sort=name -c base app site | sha256sum';
/** All that a user sees of the tree but what is on the tmpfs. */
const treeSum =
  "find mnt -path mnt/run -prune -o ! -type d -printf '%p %y %m %U %s %T@ %l\\n' | sort | sha256sum";
/** The same of what comes from layers and upper alone. */
const unionSum =
  "find mnt/bin mnt/usr mnt/etc/motd mnt/etc/passwd mnt/project ! -type d -printf '%p %y %m %U %s %T@ %l\\n' | sort | sha256sum";

function mountCommand({ mountOptions }: Scene): string {
  return [
    `plyfs mount ${mountOptions}-l base -l app -l site --upper upper --work work --root state \\`,
    '    -v ./shared:/srv/shared -v ./app.conf:/etc/app.d/app.conf -v notes:/data --tmpfs /run mnt',
  ].join('\n');
}

/** @throws DemoFailure at the first thing that is not as promised. */
export async function playScene(scene: Scene): Promise<void> {
  const { narrator } = scene;
  narrator.title(`Three layers, made from ${scene.layers.from}`);
  await narrator.run('ls -d base/bin app/usr/bin site/etc', { that: 'each layer is a folder' });
  const layersBefore = await narrator.run(layerSum, { that: 'their checksum is taken' });
  narrator.title(
    'One mount over them: a writable upper, a bind of a folder and of a file, a volume, a tmpfs',
  );
  await narrator.run(mountCommand(scene), { that: 'the mount answers' });
  await merged(scene);
  await layerOrder(narrator);
  await copyUp(narrator);
  await whiteout(narrator);
  await withoutCopies(narrator);
  await bindFolder(narrator);
  await bindFile(narrator);
  await volumeAndTmpfs(narrator);
  await ordinaryWork(narrator);
  await why(narrator);
  await secondMount(scene);
  await remount(scene);
  if (scene.outlives) await killedDaemon(scene);
  await underOverlayfs(scene);
  narrator.title('The layers are as they were');
  await narrator.run(layerSum, { that: 'their checksum has not changed', equals: layersBefore });
}

async function merged({ narrator, layers }: Scene): Promise<void> {
  narrator.title('The layers show as one tree');
  await narrator.run('ls -C mnt mnt/etc', {
    that: 'it has names of all layers',
    contains: ['bin', 'usr', 'passwd', 'app.d'],
  });
  await narrator.run(`chroot mnt /bin/sh -c "${layers.program}; id -u; ls -C /"`, {
    that: 'a program of one layer runs in it with libraries of another',
    contains: [layers.prints, 'data', 'srv'],
  });
}

async function layerOrder(narrator: Narrator): Promise<void> {
  narrator.title('A later layer wins');
  await narrator.run('cat base/etc/motd site/etc/motd', {
    that: 'two layers have the file',
    contains: 'base layer',
  });
  await narrator.run('cat mnt/etc/motd', {
    that: 'the later one shows',
    equals: 'Welcome to the site layer',
  });
}

async function copyUp(narrator: Narrator): Promise<void> {
  narrator.title('A change copies the file to upper first');
  await narrator.run("echo 'demo:x:1000:1000::/:/bin/sh' >>mnt/etc/passwd; tail -n 1 mnt/etc/passwd", {
    that: 'the line was added',
    contains: 'demo:x:1000',
  });
  await narrator.run('wc -l base/etc/passwd upper/etc/passwd', {
    that: 'the copy in upper has it, the layer does not',
    matches: /^\s*2 base\S*\n\s*3 upper/,
  });
}

async function whiteout(narrator: Narrator): Promise<void> {
  narrator.title('A deletion leaves a whiteout in upper');
  await narrator.run('rm mnt/etc/shells; ls mnt/etc', { that: 'the name is gone', lacks: 'shells' });
  await narrator.run('ls -l upper/etc/shells base/etc/shells', {
    that: 'upper has a 0:0 character device for it, the layer still the file',
    matches: /^-.*base\/etc\/shells\nc.* 0, +0 .*upper\/etc\/shells/,
  });
}

async function withoutCopies(narrator: Narrator): Promise<void> {
  narrator.title('What other unions copy, or break, stays as cheap and whole as on a plain disk');
  await narrator.run(
    "chown 1000 mnt/srv/large; stat -c '%n: owner %u, %b blocks' mnt/srv/large upper/srv/large",
    {
      that: 'a new owner copies no data: the file in upper takes next to no space',
      matches: /^mnt.*owner 1000, \d{3,} blocks\nupper.*owner 1000, \d{1,2} blocks$/,
    },
  );
  await narrator.run(
    'mv mnt/usr/bin mnt/usr/moved; find upper/usr/moved ! -type d | wc -l; ls mnt/usr/moved',
    {
      that: 'a folder of a layer is renamed in place: none of its files was copied',
      matches: /^0\n./,
    },
  );
  await narrator.run('mv mnt/usr/moved mnt/usr/bin', { that: 'and back' });
  await narrator.run(
    "echo new >>mnt/srv/one; cat mnt/srv/two; stat -c '%n: inode %i, %h links' mnt/srv/one mnt/srv/two",
    {
      that: 'two names of one file of a layer are still one file after a change',
      matches: /^linked\nnew\nmnt\/srv\/one: (inode \d+, 2 links)\nmnt\/srv\/two: \1$/,
    },
  );
}

async function bindFolder(narrator: Narrator): Promise<void> {
  narrator.title('A bind of a host folder goes both ways');
  await narrator.run("echo 'from the host' >shared/a; cat mnt/srv/shared/a", {
    that: 'the mount shows what the host writes',
    equals: 'from the host',
  });
  await narrator.run("echo 'from the mount' >mnt/srv/shared/a; cat shared/a", {
    that: 'the host sees what the mount writes',
    equals: 'from the mount',
  });
  await narrator.run('ls mnt/srv; test ! -e upper/srv/shared', {
    that: "the image's files are beside it, and upper has no stub for it",
    contains: ['readme.txt', 'shared'],
  });
}

async function bindFile(narrator: Narrator): Promise<void> {
  narrator.title('A single file bound beside the files of the image');
  await narrator.run('ls mnt/etc/app.d; cat mnt/etc/app.d/app.conf', {
    that: 'both are there',
    equals: 'app.conf\ndefault.conf\nversion=1',
  });
  await narrator.run('echo version=2 >app.conf.new; mv app.conf.new app.conf; cat mnt/etc/app.d/app.conf', {
    that: 'it follows a replacement by rename, as editors save',
    equals: 'version=2',
  });
}

async function volumeAndTmpfs(narrator: Narrator): Promise<void> {
  narrator.title('A volume to keep, a tmpfs to lose');
  await narrator.run(
    "echo 'kept' >mnt/data/note; echo 'lost' >mnt/run/note; cat mnt/data/note mnt/run/note",
    {
      that: 'both take files',
      equals: 'kept\nlost',
    },
  );
  await narrator.run('find upper -name note', { that: 'neither is in upper', equals: '' });
}

async function ordinaryWork(narrator: Narrator): Promise<void> {
  narrator.title(
    'It is a disk like any other: git works in it, and data passes at the speed of the disk below',
  );
  const identity = '-c user.name=demo -c user.email=demo@example.org';
  await narrator.run(
    `mkdir mnt/project; cp -a mnt/usr/. mnt/project; cd mnt/project; git init -q .; git add .
git ${identity} commit -qm 'from a layer'; git status --short; git log --format=%s`,
    { that: 'a repository made in the mount is clean', equals: 'from a layer' },
  );
  await narrator.run(
    'dd if=/dev/zero of=mnt/big bs=1M count=256 2>&1 | tail -n 1; dd if=mnt/big of=/dev/null bs=1M 2>&1 | tail -n 1',
    { that: 'a large file is written and read', contains: '268435456 bytes' },
  );
  await narrator.run('rm mnt/big; ls -A upper', { that: 'and leaves nothing once removed', lacks: 'big' });
}

async function why(narrator: Narrator): Promise<void> {
  narrator.title('Where does a file come from?');
  await narrator.run('plyfs why mnt/etc/motd', { that: 'it names the layer', contains: 'site' });
  await narrator.run('plyfs why mnt/etc/passwd', {
    that: 'it names upper for a changed file',
    contains: 'upper',
  });
  await narrator.run('plyfs why mnt/etc/shells || true', {
    that: 'it says why a deleted one is not seen',
    contains: ['no such name', 'whiteout'],
  });
  await narrator.run('plyfs why mnt/etc/app.d/app.conf', {
    that: 'it knows the mounts over the union',
    contains: 'app.conf',
  });
}

async function secondMount({ narrator, mountOptions }: Scene): Promise<void> {
  narrator.title('A second container over the same layers');
  await narrator.run(`plyfs mount ${mountOptions}-l base -l app -l site --upper upper2 mnt2`, {
    that: 'layers are shared, the work directory is made beside upper',
  });
  await narrator.run('ls mnt2/etc; tail -n 1 mnt2/etc/passwd', {
    that: 'it sees nothing of what the first one changed',
    contains: 'shells',
    lacks: 'demo:x',
  });
  await narrator.run("plyfs mounts --format '{{.Mountpoint}}  {{.Status}}  upper: {{.Upper}}'", {
    that: 'both are listed',
    contains: ['/mnt  up', '/mnt2  up'],
  });
  await narrator.run('plyfs umount mnt2; ls -A mnt2', { that: 'it is gone', equals: '' });
  await narrator.run('plyfs mount -l base --upper upper mnt2 2>&1 || true', {
    that: 'a second writer of one upper is refused, in one line that names the first',
    matches: /^plyfs mount: .*in use by.*$/,
  });
}

async function killedDaemon({ narrator, mountOptions }: Scene): Promise<void> {
  narrator.title('The process that serves a union is killed, and the programs in it go on');
  await narrator.run(`plyfs mount ${mountOptions}-l base -l app --upper upper2 mnt2`, {
    that: 'the mount answers',
  });
  await narrator.run(
    `(for i in $(seq 400); do mkdir mnt2/$i; echo $i >mnt2/$i/f; mv mnt2/$i mnt2/d$i; cat mnt2/d$i/f; done | tail -n 1) &
sleep 0.2; kill -9 "$(plyfs mounts --format '{{.Pid}}')"; wait $!; ls mnt2 | grep -c '^d[0-9]'`,
    { that: 'no call has failed, and none was done twice', equals: '400\n400' },
  );
  await narrator.run(
    `plyfs daemon status --format 'took over: {{.TookOver}}, would again: {{.Outlives}}'; plyfs umount mnt2; ls -A mnt2`,
    {
      that: 'another process has taken over',
      equals: 'took over: true, would again: true',
    },
  );
}

async function remount(scene: Scene): Promise<void> {
  const { narrator } = scene;
  narrator.title('Unmounting leaves nothing, mounting again brings everything back');
  const before = await narrator.run(treeSum, { that: 'the checksum of the tree is taken' });
  await narrator.run('plyfs umount mnt; ls -A mnt', { that: 'the mount point is empty', equals: '' });
  await narrator.run(mountCommand(scene), { that: 'the mount answers again' });
  await narrator.run(treeSum, { that: 'the tree is the same', equals: before });
  await narrator.run('cat mnt/data/note; ls -A mnt/run', {
    that: 'the volume was kept, the tmpfs is empty',
    equals: 'kept',
  });
  await narrator.run('plyfs umount mnt; ls -A mnt', { that: 'the mount point is empty', equals: '' });
}

async function underOverlayfs({ narrator, overlay }: Scene): Promise<void> {
  narrator.title('What upper holds is the form of kernel overlayfs');
  if (!overlay) {
    narrator.say('(kernel overlayfs cannot be mounted here, so this is not shown)');
    return;
  }
  await narrator.run(
    `mount -t overlay overlay -o redirect_dir=on,index=on,metacopy=on,lowerdir=site:app:base,upperdir=upper,workdir=work mnt
ls -C mnt mnt/etc`,
    { that: 'the kernel mounts it; the whiteout hides', contains: 'passwd', lacks: 'shells' },
  );
  const kernel = await narrator.run(unionSum, { that: 'the checksum is taken there' });
  await narrator.run('umount mnt; plyfs mount -l base -l app -l site --upper upper --work work mnt', {
    that: 'plyfs mounts it again',
  });
  await narrator.run(unionSum, { that: 'the tree is the same', equals: kernel });
  await narrator.run('plyfs umount mnt', { that: 'nothing is mounted any more' });
}
