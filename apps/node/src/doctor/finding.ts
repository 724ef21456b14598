/** `problem`: something is wrong. `warning`: it works and could be better. `note`, `ok`: good to know. */
type Level = 'ok' | 'note' | 'warning' | 'problem'

/** One thing the doctor found out. */
export interface Finding {
  readonly level: Level
  /** What was looked at. */
  readonly check: 'key' | 'seed' | 'clock' | 'legacy' | 'address' | 'reachability' | 'mesh'
  /** Which one, such as the address of a seed. */
  readonly subject?: string
  /** What is so. */
  readonly message: string
  /** What to do about it. */
  readonly cure?: string
  /** The error or the values behind it. */
  readonly details?: Readonly<Record<string, string | number>>
}
