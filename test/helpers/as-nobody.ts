/** How setpriv(1) starts a program as somebody without rights. */

/** One who may still read everywhere: root's checkout may lie where others may not go, as in /root. */
export const AS_NOBODY = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all,+dac_read_search',
  '--ambient-caps=-all,+dac_read_search',
] as const;
