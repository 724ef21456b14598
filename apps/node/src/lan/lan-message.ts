import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'

/** "FLTD". */
const MAGIC = 0x46_4c_54_44
const VERSION = 1
const FLAG_ASKS = 1
const KEY_LENGTH = 32
/** Bytes of {@link LanMessage.tag}. */
export const TAG_LENGTH = 16

/** What a node says on the local network. */
export interface LanMessage {
  /** Stands for the network, which it does not name. */
  readonly tag: Uint8Array
  /** 32-byte public key. */
  readonly key: Uint8Array
  /** TCP port it takes connections on, at the address this comes from; 0 where it takes none. */
  readonly port: number
  /** Others are to say where they are. */
  readonly asks: boolean
}

/** `u32 magic | u8 version | u8 flags | 16 tag | 32 key | u16 port` */
export function writeLanMessage({ tag, key, port, asks }: LanMessage): Uint8Array {
  return new Writer()
    .u32(MAGIC)
    .u8(VERSION)
    .u8(asks ? FLAG_ASKS : 0)
    .bytes(tag)
    .bytes(key)
    .u16(port)
    .copy()
}

/** Nothing where it is another's, or of a version this node does not know. Never throws. */
export function readLanMessage(bytes: Uint8Array): LanMessage | undefined {
  try {
    const reader = new Reader(bytes)
    if (reader.u32() !== MAGIC || reader.u8() !== VERSION) return undefined
    const asks = (reader.u8() & FLAG_ASKS) !== 0
    const tag = new Uint8Array(reader.bytes(TAG_LENGTH))
    const key = new Uint8Array(reader.bytes(KEY_LENGTH))
    const port = reader.u16()
    reader.expectEnd()
    return { tag, key, port, asks }
  } catch (error) {
    if (error instanceof RemoteProtocolError) return undefined
    throw error
  }
}
