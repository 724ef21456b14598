import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../../test/vectors/', import.meta.url))

export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))
}

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks))
}

/** One case of session-v2.json. */
export interface SessionCase {
  readonly name: string
  readonly prologue: string
  readonly networkKey: string | null
  readonly ephemeralSecretI: string
  readonly ephemeralSecretR: string
  readonly identitySeedI: string
  readonly identitySeedR: string
  readonly eI: string
  readonly eR: string
  readonly dh: string
  readonly Z: string
  readonly th0: string
  readonly th1: string
  readonly th2: string
  readonly kI: string
  readonly kR: string
  readonly kIAfter: string
  readonly kRAfter: string
  readonly kIAfterRekey: string
  readonly listenerHello: VectorHello
  readonly dialerHello: VectorHello
  readonly packet0R: string
  readonly packet0I: string
  readonly firstPacketI: VectorPacket
  readonly firstPacketR: VectorPacket
  readonly secondPacketI: VectorPacket
}

export interface VectorHello {
  readonly features: number
  readonly flags: number
  readonly address?: readonly [string, number]
  readonly observed: readonly [string, number]
  readonly instance: number
  readonly services: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly publicKey: string
  readonly encoded: string
  readonly signature: string
}

export interface VectorPacket {
  readonly messages: readonly string[]
  readonly packet: string
}

export const { cases: sessionCases } = readVectors('session-v2.json') as {
  cases: readonly SessionCase[]
}
