/** What a supervisor is told to run, as the first frame on its descriptor 3. */

import type { AttachRequest } from './attach/frames.js';
import type { EnterOrder } from './enter/order.js';

export type SuperviseOrder =
  /** A container's command, from mount to unmount. */
  | {
      readonly kind: 'run';
      readonly root: string;
      readonly id: string;
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
      readonly enter: EnterOrder;
      readonly hasInput: boolean;
      readonly attach?: AttachRequest;
    };
