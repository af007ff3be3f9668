/** The snapshots service over gRPC: requests to calls of the snapshotter, records and errors to what containerd reads. */

import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { messageOf } from '../../errno/reason.js';
import { SnapshotError, STATUS_CODES } from './snapshot-error.js';
import type { ContainerdSnapshot } from './snapshot-record.js';
import { snapshotsService } from './snapshots-api.js';
import type { Snapshotter } from './snapshotter.js';

/** What requests have, as the loader of the API gives them: all fields are there, but messages may be null. */
interface ApiRequest {
  readonly key: string;
  readonly name: string;
  readonly parent: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly filters: readonly string[];
  readonly info: Pick<ContainerdSnapshot, 'name' | 'labels'> | null;
  readonly update_mask: { readonly paths: readonly string[] } | null;
}

type Call = (snapshotter: Snapshotter, request: ApiRequest) => Promise<object> | object;

const CALLS: Readonly<Record<string, Call>> = {
  Prepare: async (snapshotter, request) => ({ mounts: await snapshotter.create('active', request) }),
  View: async (snapshotter, request) => ({ mounts: await snapshotter.create('view', request) }),
  Mounts: async (snapshotter, { key }) => ({ mounts: await snapshotter.mounts(key) }),
  Commit: async (snapshotter, { key, name, labels }) => {
    await snapshotter.commit(key, name, labels);
    return {};
  },
  Remove: async (snapshotter, { key }) => {
    await snapshotter.remove(key);
    return {};
  },
  Stat: (snapshotter, { key }) => ({ info: infoOf(snapshotter.stat(key)) }),
  Update: (snapshotter, { info, update_mask: mask }) => {
    const { name = '', labels = {} } = info ?? {};
    return { info: infoOf(snapshotter.update(name, labels, mask?.paths ?? [])) };
  },
  Usage: async (snapshotter, { key }) => {
    const { bytes, inodes } = await snapshotter.usage(key);
    return { size: bytes, inodes };
  },
  Cleanup: async (snapshotter) => {
    await snapshotter.cleanup();
    return {};
  },
};

/** How many snapshots an answer of List holds: a message has a limit. */
const LIST_PIECE = 100;

/** A server that does not listen yet. @param log told of each call that failed for no reason that containerd knows. */
export function snapshotsServer(snapshotter: Snapshotter, log: (line: string) => void): Server {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, call] of Object.entries(CALLS)) {
    const handler: handleUnaryCall<ApiRequest, object> = ({ request }, answer) => {
      void (async () => call(snapshotter, request))().then(
        (reply) => answer(null, reply),
        (error: unknown) => answer(statusOf(error, (line) => log(`${name}: ${line}`))),
      );
    };
    implementation[name] = handler;
  }
  const list: handleServerStreamingCall<ApiRequest, object> = (stream) => {
    try {
      const records = snapshotter.list(stream.request.filters);
      for (let at = 0; at < records.length; at += LIST_PIECE)
        stream.write({ info: records.slice(at, at + LIST_PIECE).map(infoOf) });
      stream.end();
    } catch (error) {
      stream.emit(
        'error',
        statusOf(error, (line) => log(`List: ${line}`)),
      );
    }
  };
  implementation.List = list;
  const server = new Server();
  server.addService(snapshotsService(), implementation);
  return server;
}

function infoOf({ name, parent, kind, labels, createdAt, updatedAt }: ContainerdSnapshot): object {
  return {
    name,
    parent,
    kind: kind.toUpperCase(),
    labels,
    created_at: timestampOf(createdAt),
    updated_at: timestampOf(updatedAt),
  };
}

function timestampOf(text: string): { readonly seconds: number; readonly nanos: number } {
  const milliseconds = Date.parse(text);
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

function statusOf(error: unknown, log: (line: string) => void): Partial<ServiceError> {
  if (error instanceof SnapshotError) return { code: STATUS_CODES[error.kind], details: error.message };
  const details = messageOf(error);
  log(details);
  return { code: status.UNKNOWN, details };
}
