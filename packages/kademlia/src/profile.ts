/**
 * Whom a node expects to meet: `trusted`, a mesh whose members are known, or `open`, where anybody
 * may join under as many ids as he likes (discovery §1).
 */
export type Profile = 'trusted' | 'open'

/** What a profile means. */
export interface ProfileRules {
  /** Disjoint paths of a lookup. */
  readonly paths: number
  /** Holders that must have given records before a search for providers ends early. */
  readonly holders: number
  /** Few nodes of one public network are taken. */
  readonly limitsAddresses: boolean
}

export const PROFILES: Readonly<Record<Profile, ProfileRules>> = {
  trusted: { paths: 1, holders: 1, limitsAddresses: false },
  open: { paths: 4, holders: 3, limitsAddresses: true },
}
