/** The directory of which each operation of refusing-disk.py has a copy: lines of bash that make `template`. */
export const TEMPLATE = `mkdir template; (cd template; mkdir dir empty gone
  for f in lower hard meta capable gone-file dir/f; do echo $f > $f; done
  setfattr -n user.a -v 1 lower; ln hard hard2; head -c 300000 /dev/zero > big
  setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 capable; touch -d @1 capable)`;
