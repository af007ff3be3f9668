/** `plyfs systemd`: units and a tmpfiles.d(5) entry for who mounts by systemd, with the paths of this installation. */

import { fileURLToPath } from 'node:url';
import { Argument, Command } from 'commander';
import { print } from '../print/output.js';

const DETAILS = `
service    /etc/systemd/system/plyfs@.service: 'systemctl start plyfs@srv-tree' mounts on /srv/tree; its options are in
           /etc/plyfs/srv-tree.conf, as OPTIONS=-o lowerdir=...
mount      a unit that is named after its mount point (systemd-escape -p --suffix=mount /srv/tree), or a line of /etc/fstab;
           it needs 'plyfs system install-helpers'
automount  beside the mount unit: mounted when somebody comes by
tmpfiles   /etc/tmpfiles.d/plyfs.conf: the run directory, and that of users, which the clean-up of /tmp is to leave alone

Examples:
  plyfs systemd
  plyfs systemd service > /etc/systemd/system/plyfs@.service`;

const PARTS = ['service', 'mount', 'automount', 'tmpfiles'] as const;
type Part = (typeof PARTS)[number];

export function systemdCommand(): Command {
  return new Command('systemd')
    .description('print units and a tmpfiles entry for systemd')
    .addArgument(new Argument('[part]', 'one of them').choices(PARTS))
    .addHelpText('after', DETAILS)
    .action((part: Part | undefined) => {
      const parts = part === undefined ? PARTS : [part];
      print(parts.map((one) => TEXTS[one]()).join('\n'));
    });
}

/** The words of ExecStart are split as by a shell, and `%` and `$` mean something: see systemd.service(5). */
function quotedWord(word: string): string {
  return `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}

const TEXTS: Readonly<Record<Part, () => string>> = {
  service: () => `# /etc/systemd/system/plyfs@.service
[Unit]
Description=Union of plyfs on %f
After=local-fs.target

[Service]
Type=notify
EnvironmentFile=/etc/plyfs/%i.conf
ExecStart=${[process.execPath, '--', fileURLToPath(new URL('../main.js', import.meta.url))].map(quotedWord).join(' ')} mount -f $OPTIONS %f
# What was written goes to the disk before it ends, however slow that is.
TimeoutStopSec=infinity
KillMode=mixed

[Install]
WantedBy=multi-user.target
`,
  mount: () => `# /etc/systemd/system/srv-tree.mount, or in /etc/fstab:
# tree /srv/tree plyfs lowerdir=/srv/app:/srv/base,upperdir=/srv/changes,workdir=/srv/work,x-systemd.requires-mounts-for=/srv 0 0
[Unit]
Description=Union of plyfs on /srv/tree
RequiresMountsFor=/srv

[Mount]
What=tree
Where=/srv/tree
Type=plyfs
Options=lowerdir=/srv/app:/srv/base,upperdir=/srv/changes,workdir=/srv/work

[Install]
WantedBy=local-fs.target
`,
  automount: () => `# /etc/systemd/system/srv-tree.automount, or x-systemd.automount in /etc/fstab
[Unit]
Description=Union of plyfs on /srv/tree, when it is used

[Automount]
Where=/srv/tree
TimeoutIdleSec=600

[Install]
WantedBy=local-fs.target
`,
  tmpfiles: () => `# /etc/tmpfiles.d/plyfs.conf
d /run/plyfs 0700 root root -
x /tmp/plyfs-*
`,
};
