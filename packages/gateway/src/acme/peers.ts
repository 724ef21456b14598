/** What a gateway has for a domain. */
export interface PeerCertificate {
  /** It answers for this domain too. */
  readonly serves: boolean
  /** Its last attempt to have a certificate failed. */
  readonly failing: boolean
  /** Certificate chain and key, PEM in one text, where it has them and may give them. */
  readonly bundle?: string
}

/** What another gateway said of a domain. */
export interface PeerAnswer extends PeerCertificate {
  /** Whether it orders rather than this gateway, where both could: the lower key does. */
  readonly precedes: boolean
}

/**
 * The port to other gateways of the same domains. Only those that are trusted with private keys may
 * be asked: whoever answers a challenge for a domain gets certificates for it.
 */
export interface AcmePeers {
  /** Asks all of them for a domain; those that do not answer in time are left out. Never rejects. */
  ask(domain: string): Promise<readonly PeerAnswer[]>
  /** The answer to a challenge, where one of them has it. Never rejects. */
  challenge(token: string): Promise<string | undefined>
  /** Tells all of them that there is a new certificate for a domain, for them to ask. */
  announce(domain: string): void
}
