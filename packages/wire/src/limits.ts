// --- Specification constants: docs/protocol.md, not for tuning. ---

/** Bytes of the length that precedes every packet: the only thing visible on the wire. */
export const LENGTH_PREFIX = 4
/** Bytes of an AES-256-GCM authentication tag (NIST SP 800-38D). */
export const TAG_LENGTH = 16
/** Largest value of a packet's length prefix in v2, ciphertext and tag (protocol §3). */
export const MAX_PACKET = 65_536
/** Largest length prefix of packet 0, the one that carries a hello (protocol §3). */
export const MAX_HELLO_PACKET = 16_384
/** Largest packet a 2020 Go peer takes before it closes the connection (protocol §1). */
export const MAX_LEGACY_PACKET = 4_096
/** DATA bytes in one message, v2 and v1 (protocol §3 and §1). */
export const MAX_DATA = 65_000
export const MAX_LEGACY_DATA = 2_048
