import { MAX_HELLO_PACKET, Reader, RemoteProtocolError, Writer } from '@flatend/wire'
import { type Hello, type HelloLimits, readHello } from './hello.ts'
import type { Identity, Suite } from './suite/suite.ts'

// Specification constants: protocol §3, steps 2 and 3.
const SIGNATURE_LENGTH = 64
const LABELS: Readonly<Record<Role, Uint8Array>> = {
  listener: new TextEncoder().encode('flatend/2 identity R\0'),
  dialer: new TextEncoder().encode('flatend/2 identity I\0'),
}

/** The two ends of a connection. */
export type Role = 'dialer' | 'listener'

/** What a proof of identity is about: who speaks, and everything said before. */
export interface ProofContext {
  readonly role: Role
  /** 32 bytes: th0 for the listener, th1 for the dialer. */
  readonly transcript: Uint8Array
}

/** Plaintext of packet 0: hello | signature. */
export function signHello(
  identity: Identity,
  hello: Uint8Array,
  context: ProofContext,
): Uint8Array {
  const signature = identity.sign(signedBytes(hello, context))
  return new Writer({ max: MAX_HELLO_PACKET }).bytes(hello).bytes(signature).view()
}

/** Reads packet 0 of the side named in `context`. @throws RemoteProtocolError where it proves nothing */
export function checkHello(
  suite: Suite,
  plaintext: Uint8Array,
  { limits, ...context }: ProofContext & { readonly limits: HelloLimits },
): Hello {
  const split = plaintext.length - SIGNATURE_LENGTH
  if (split < 0)
    throw new RemoteProtocolError('FLATEND_MONTE_HELLO', 'a hello too short for its signature')
  const reader = new Reader(plaintext, 0, split)
  const hello = readHello(reader, limits)
  reader.expectEnd()
  const signed = signedBytes(plaintext.subarray(0, split), context)
  if (!suite.verify(hello.publicKey as Uint8Array, signed, plaintext.subarray(split))) {
    throw new RemoteProtocolError(
      'FLATEND_MONTE_SIGNATURE',
      'the hello is not signed by the key it names',
    )
  }
  return hello
}

function signedBytes(hello: Uint8Array, { role, transcript }: ProofContext): Uint8Array {
  const label = LABELS[role]
  return new Writer({ max: MAX_HELLO_PACKET + label.length + transcript.length })
    .bytes(label)
    .bytes(transcript)
    .bytes(hello)
    .view()
}
