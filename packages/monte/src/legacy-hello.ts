import { Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import { readAddress, writeAddress } from './address.ts'
import { type Hello, type HelloLimits, type LocalHello, readServices } from './hello.ts'
import type { Identity, Suite } from './suite/suite.ts'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
/** Services a v1 handshake has room for: their count is one byte. */
const MAX_LEGACY_SERVICES = 255

/** Body of a v1 HANDSHAKE (protocol §1): with an identity only where there is an address for it. */
export function writeLegacyHello(writer: Writer, hello: LocalHello, identity: Identity): void {
  const services = hello.services.slice(0, MAX_LEGACY_SERVICES)
  const signed = new Writer()
  if (hello.address) {
    signed.bytes(identity.publicKey)
    writeAddress(signed, hello.address)
    writer.u8(1).bytes(signed.view())
  } else writer.u8(0)
  writer.u8(services.length)
  for (const service of services) {
    writer.text8(service)
    signed.text(service)
  }
  if (hello.address) writer.bytes(identity.sign(signed.view()))
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
  const signed = new Writer()
  let publicKey: Uint8Array | undefined
  let address: Hello['address']
  if (hasId === 1) {
    const start = reader.offset
    publicKey = reader.bytes(KEY_LENGTH).slice()
    address = readAddress(reader)
    signed.bytes(body.subarray(start, reader.offset))
  }
  const services = readServices(reader, reader.u8(), limits)
  for (const service of services) signed.text(service)
  if (publicKey) {
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
