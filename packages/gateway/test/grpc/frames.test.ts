import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Base64Decoder, toBase64 } from '../../src/grpc/base64.ts'
import { FrameError, FrameScanner, trailersFrame } from '../../src/grpc/frames.ts'
import { grpcKind, grpcTimeout } from '../../src/grpc/kind.ts'
import { join, message, OK } from '../support/grpc.ts'
import { bytes } from '../support/harness.ts'

const scanner = (maxMessage: number, trailers = true, compressed = false): FrameScanner =>
  new FrameScanner({ maxMessage, trailers, compressed })

describe('frames', () => {
  it('pass in any pieces, without their trailers', () => {
    const whole = join(message('hello'), message(''), message('x'.repeat(90)))
    fc.assert(
      fc.property(fc.array(fc.nat(200)), fc.boolean(), (cuts, ends) => {
        const body = ends ? join(whole, OK) : whole
        const read = scanner(100)
        const passed: Uint8Array[] = []
        const sorted = [...cuts, 0, body.length].toSorted((a, b) => a - b)
        for (const [i, cut] of sorted.entries()) {
          passed.push(read.scan(body.subarray(cut, sorted[i + 1] ?? body.length)))
        }
        expect(join(...passed)).toEqual(whole)
        expect(read.complete).toBe(true)
        expect(read.trailers).toEqual(ends ? ['grpc-status', '0', 'x-end', 'z'] : undefined)
      }),
    )
  })

  it('are refused where they are too large, or follow their trailers', () => {
    expect(() => scanner(4).scan(message('hello'))).toThrow(FrameError)
    expect(() => scanner(9).scan(join(OK, message('')))).toThrow('after its trailers')
    const long = new Uint8Array([0x80, 0, 1, 0, 0])
    expect(() => scanner(1e9).scan(long)).toThrow('65536 bytes')
    expect(() => scanner(9, false).scan(OK)).toThrow('unknown flags (128)')
    expect(() => scanner(9).scan(Uint8Array.of(1, 0, 0, 0, 0))).toThrow('without a grpc-encoding')
    expect(scanner(9, true, true).scan(Uint8Array.of(1, 0, 0, 0, 0))).toHaveLength(5)
    expect(() => scanner(9, true, true).scan(Uint8Array.of(3, 0, 0, 0, 0))).toThrow('flags (3)')
    expect(() => scanner(9).scan(Uint8Array.of(0x81, 0, 0, 0, 0))).toThrow('unknown flags (129)')
  })

  it('have no more trailers than a call has fields', () => {
    const read = scanner(9)
    read.scan(trailersFrame(Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 'a' : 'b'))))
    expect(read.trailers).toHaveLength(256)
  })

  it('have trailers of which only fields of HTTP count', () => {
    const read = scanner(9)
    const text =
      'Grpc-Status:0\r\nbad name: x\r\nx-a: b\nconnection: close\r\n: y\r\nx-c: a\u0001\r\n'
    const frame = trailersFrame([])
    new DataView(frame.buffer).setUint32(1, text.length)
    read.scan(join(frame, bytes(text)))
    expect(read.trailers).toEqual(['grpc-status', '0', 'x-a', 'b'])
  })
})

describe('base64', () => {
  it('comes in any pieces, with padding wherever its sender flushed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.nat(7), (parts, step) => {
        const text = join(...parts.map(toBase64))
        const decoder = new Base64Decoder()
        const decoded: Uint8Array[] = []
        for (let i = 0; i < text.length; i += step + 1) {
          decoded.push(decoder.decode(text.subarray(i, i + step + 1)))
        }
        expect(join(...decoded)).toEqual(join(...parts))
        expect(decoder.pending).toBe(false)
      }),
    )
  })

  it.each(['====', 'ab=c', 'a b ', 'abc\u00e9', 'a==='])('%j is none', (text) => {
    expect(() => new Base64Decoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)))).toThrow(
      Error,
    )
  })
})

it.each([
  ['application/grpc', { speaks: 'grpc', suffix: '' }],
  ['application/grpc+proto', { speaks: 'grpc', suffix: '+proto' }],
  ['application/grpc-web+json; a=b', { speaks: 'web', suffix: '+json' }],
  ['Application/gRPC-web-text', { speaks: 'text', suffix: '' }],
  ['application/grpcx', undefined],
  ['application/json', undefined],
  [undefined, undefined],
])('the content type %s', (text, kind) => {
  expect(grpcKind(text)).toEqual(kind)
})

it.each([
  ['1H', 3_600_000],
  ['20M', 1_200_000],
  ['5S', 5_000],
  ['7m', 7],
  ['1n', 1],
  ['0S', 1],
  ['99999999H', 2_147_483_647],
  ['123456789S', undefined],
  ['1s', undefined],
  ['-1S', undefined],
  ['', undefined],
])('the timeout %s is %s ms', (text, ms) => {
  expect(grpcTimeout(text)).toBe(ms)
})
