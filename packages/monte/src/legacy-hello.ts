import { MAX_LEGACY_PACKET, Reader, RemoteProtocolError, TAG_LENGTH, Writer } from '@flatend/wire'
import { readAddress, writeAddress } from './address.ts'
import {
  type Hello,
  type HelloLimits,
  type LocalHello,
  readServices,
  servicesThatFit,
} from './hello.ts'
import type { Identity, Suite } from './suite/suite.ts'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
/** Services a v1 handshake has room for: their count is one byte. */
const MAX_LEGACY_SERVICES = 255
/** `u32 seq | u8 opcode` before the body. */
const MESSAGE_HEAD = 5

/**
 * Appends the body of a v1 HANDSHAKE (protocol §1): with an identity only where there is an address
 * for it. @returns services it has no room for; v1 has no message to send them later
 */
export function writeLegacyHello(
  writer: Writer,
  hello: LocalHello,
  identity: Identity,
): readonly string[] {
  const address = hello.anonymousLegacy ? undefined : hello.address
  const signed = new Writer()
  if (address) {
    signed.bytes(identity.publicKey)
    writeAddress(signed, address)
    writer.u8(1).bytes(signed.view())
  } else writer.u8(0)
  const room =
    MAX_LEGACY_PACKET -
    TAG_LENGTH -
    MESSAGE_HEAD -
    2 -
    signed.length -
    (address ? SIGNATURE_LENGTH : 0)
  const services = servicesThatFit(hello.services, { room, count: MAX_LEGACY_SERVICES })
  writer.u8(services.length)
  for (const service of services) {
    writer.text8(service)
    signed.text(service)
  }
  if (address) writer.bytes(identity.sign(signed.view()))
  return hello.services.slice(services.length)
}

/** Reads a v1 HANDSHAKE body and checks its signature. */
export function readLegacyHello(suite: Suite, body: Uint8Array, limits: HelloLimits): Hello {
  const reader = new Reader(body)
  const hasId = reader.u8()
  if (hasId > 1)
    throw new RemoteProtocolError(
      'FLATEND_MONTE_LEGACY_HELLO',
      `a v1 handshake begins with 0 or 1, not ${hasId}`,
    )
  const signed = new Writer({ max: body.length })
  let publicKey: Uint8Array | undefined
  let address: Hello['address']
  if (hasId === 1) {
    const start = reader.offset
    publicKey = reader.bytes(KEY_LENGTH).slice()
    address = readAddress(reader)
    signed.bytes(body.subarray(start, reader.offset))
  }
  const start = reader.offset + 1
  const services = readServices(reader, reader.u8(), limits)
  if (publicKey) {
    appendNames(signed, new Reader(body, start, reader.offset), services.length)
    const signature = reader.bytes(SIGNATURE_LENGTH)
    if (!suite.verify(publicKey, signed.view(), signature)) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_SIGNATURE',
        'the v1 handshake is not signed by the key it names',
      )
    }
  }
  reader.expectEnd()
  return {
    version: 1,
    features: 0,
    publicKey,
    ephemeral: false,
    relays: false,
    address,
    observed: undefined,
    instance: 0,
    services,
    metadata: [],
  }
}

/** Names as they were signed: their bytes, without the lengths. */
function appendNames(signed: Writer, names: Reader, count: number): void {
  for (let i = 0; i < count; i++) signed.bytes(names.lp8())
}
