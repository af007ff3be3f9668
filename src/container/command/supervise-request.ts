/** What a supervisor is told to run, as the first frame of a channel, and where it hears that. */

import type { EnterRequest } from '../enter/enter-request.js';
import type { AttachRequest } from './attach/frames.js';

/** The name of the socket for orders, in the directory of a supervisor of many commands. */
export const ORDER_SOCKET = 'orders.sock';

export type SuperviseRequest =
  /** A container's command, from mount to unmount. */
  | {
      readonly kind: 'run';
      readonly root: string;
      readonly id: string;
      /** The environment of the command that asks, for a daemon that serves this mount alone. */
      readonly environment: NodeJS.ProcessEnv;
      /** Absent: nobody is attached at first. */
      readonly attach?: AttachRequest;
    }
  /** One more command in a container. */
  | {
      readonly kind: 'exec';
      readonly root: string;
      readonly id: string;
      /** That it must still be when the command is about to run. */
      readonly daemonId: string;
      readonly enter: EnterRequest;
      readonly hasInput: boolean;
      readonly attach?: AttachRequest;
    };
