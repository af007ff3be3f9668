/**
 * `plyfs image pull` and `push`: images from and to registries.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { refuseDockerOptions, takeOptions } from '../../frame/docker-options.js';
import { cleanWhenInterrupted } from '../../frame/interrupt.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const CREDENTIALS = `
A registry on this host (localhost, 127.0.0.1) may speak plain http; another only with --insecure. A certificate is right
when the system, Node (NODE_EXTRA_CA_CERTS) or /etc/docker/certs.d/HOST[:PORT]/ca.crt (or below /etc/containers,
~/.config/docker, ~/.config/containers) knows its authority; NAME.cert and NAME.key there are shown to the registry. User
and password are those of 'plyfs login' (~/.docker/config.json and its helpers), or of the auth.json of 'skopeo login'. Proxies
(HTTPS_PROXY) are not used.`;

const PULL_DETAILS = `
NAME says which registry: [HOST[:PORT]/]PATH[:TAG][@DIGEST]; without a host it is docker.io. Of an image for several
platforms the one for this host is taken. What a broken connection has left is kept, and the next pull goes on from there.
${CREDENTIALS}

Examples:
  plyfs image pull localhost:5000/app:1.0
  plyfs image pull --platform linux/arm64 registry.example/team/app`;

const PUSH_DETAILS = `
NAME says where to: [HOST[:PORT]/]PATH[:TAG], without a host docker.io; 'plyfs image tag' gives an image such a name.
Blobs that the registry has are not sent again. An image that came as one of several platforms goes with the others, which
are taken from the store or from where it was pulled; --platform sends one alone.
${CREDENTIALS}

Examples:
  plyfs image tag app:1.0 localhost:5000/app:1.0
  plyfs image push localhost:5000/app:1.0`;

interface TransferFlags extends StoreFlags {
  readonly insecure?: boolean;
  readonly quiet?: boolean;
}

interface PullFlags extends TransferFlags {
  readonly platform?: string;
  readonly skipDevices?: boolean;
}

interface PushFlags extends TransferFlags {
  readonly platform?: string;
}

export function imagePullCommand(shown: 'pull' | 'image pull'): Command {
  const command = transferCommand('pull', 'get an image from a registry')
    .option('--platform <platform>', 'OS/ARCHITECTURE[/VARIANT] (default: that of this host)')
    .option('--skip-devices', 'leave out devices that cannot be made');
  refuseDockerOptions(command, {
    '-a, --all-tags': "'plyfs image tags' lists them, each is pulled by itself",
  });
  return addStoreOptions(command)
    .addHelpText('after', PULL_DETAILS)
    .action((name: string, flags: PullFlags) => attempt(shown, flags, () => runPull(shown, name, flags)));
}

export function imagePushCommand(shown: 'push' | 'image push'): Command {
  const command = transferCommand('push', 'send an image to a registry').option(
    '--platform <platform>',
    'only the image for OS/ARCHITECTURE[/VARIANT]',
  );
  refuseDockerOptions(command, { '-a, --all-tags': 'each name is pushed by itself' });
  return addStoreOptions(command)
    .addHelpText('after', PUSH_DETAILS)
    .action((name: string, flags: PushFlags) => attempt(shown, flags, () => runPush(shown, name, flags)));
}

function transferCommand(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .argument('<name>', '[HOST[:PORT]/]PATH[:TAG]')
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do')
    .option('-q, --quiet', 'no progress, and only the name or digest');
  return takeOptions(command, ['--disable-content-trust [bool]']);
}

async function runPull(command: string, name: string, flags: PullFlags): Promise<void> {
  const { formatReference, parseReference } = await import('../../../image/oci/reference.js');
  const { formatPlatform, hostPlatform, parsePlatform } = await import('../../../image/oci/platform.js');
  const { pullImage } = await import('../../../image/registry/pull-image.js');
  const reference = parseReference(name);
  const platform = flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform);
  const { noticeLines } = await import('../../../image/layer/notice-lines.js');
  const notices = new Map<string, number>();
  const store = await openStore(flags);
  cleanWhenInterrupted(store);
  using progress = byteProgress(`pulling ${formatReference(reference)}`);
  const { digest, wasUpToDate } = await pullImage(store, reference, {
    platform,
    notices,
    skipDevices: flags.skipDevices === true,
    insecure: flags.insecure === true,
    onOtherPlatform: (own) => {
      const text = `'${formatReference(reference)}' is for ${formatPlatform(own)}, not ${formatPlatform(platform)}`;
      if (flags.platform !== undefined) throw new UserError(text);
      say(`plyfs ${command}: ${text}, which this host is`);
    },
    ...(flags.quiet ? {} : { onBytes: progress.add, onTotal: progress.total }),
  });
  progress.end();
  for (const line of noticeLines(notices)) say(`plyfs ${command}: ${line}`);
  const shown = formatReference(reference);
  if (flags.quiet) return print(shown);
  print(`Digest: ${digest}\nStatus: ${wasUpToDate ? 'Image is up to date' : 'Downloaded image'}\n${shown}`);
}

async function runPush(command: string, name: string, flags: PushFlags): Promise<void> {
  const { formatReference, parseReference } = await import('../../../image/oci/reference.js');
  const { formatPlatform, parsePlatform } = await import('../../../image/oci/platform.js');
  const { pushImage } = await import('../../../image/registry/push.js');
  const reference = parseReference(name);
  const store = await openStore(flags);
  using progress = byteProgress(`pushing ${formatReference(reference)}`);
  const { digest, sentBlobs } = await pushImage(store, reference, {
    insecure: flags.insecure === true,
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    onSingle: ({ config }, why) => {
      const text = `only the image for ${formatPlatform(config)} is sent, since another cannot be had: ${why}`;
      say(`plyfs ${command}: ${text}`);
    },
    ...(flags.quiet ? {} : { onBytes: progress.add, onTotal: progress.total }),
  });
  progress.end();
  if (flags.quiet) return print(digest);
  print(`${formatReference(reference)}: digest: ${digest} blobs sent: ${sentBlobs}`);
}
