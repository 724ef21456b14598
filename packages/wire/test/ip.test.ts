import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIp, parseIp } from '../src/index.ts'

describe('IP literals', () => {
  test('IPv4 and IPv6 come back from their canonical text', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }),
    )
    fc.assert(
      fc.property(address, (values) => {
        const bytes = Uint8Array.from(values)
        const text = formatIp(bytes)
        expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6)
        expect(parseIp(text)).toEqual(bytes)
        expect(text.toLowerCase()).toBe(text)
      }),
    )
  })

  test('IPv6 as RFC 5952 §4 wants it', () => {
    for (const [text, canonical] of [
      ['2001:0db8:0:0:0:0:2:1', '2001:db8::2:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['::', '::'],
      ['::1', '::1'],
      ['1::', '1::'],
      ['FE80::ABCD', 'fe80::abcd'],
      ['::ffff:1.2.3.4', '1.2.3.4'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ] as const)
      expect(formatIp(parseIp(text) ?? new Uint8Array(4))).toBe(canonical)
  })

  test('agrees with Node about what is one', () => {
    const character = fc.constantFrom('0', '1', '2', '9', 'a', 'f', '.', ':', ':', ':')
    const candidate = fc.oneof(
      fc.string({ unit: character, maxLength: 20 }),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV6().map((text) => text.replace(/:[^:]*$/, ':1.2.3.4')),
      fc.string({ maxLength: 12 }),
    )
    fc.assert(
      fc.property(candidate, (text) => {
        // Zones (fe80::1%eth0) mean something to one machine only.
        fc.pre(!text.includes('%'))
        expect(parseIp(text)?.length).toBe({ 0: undefined, 4: 4, 6: 16 }[isIP(text)])
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '::1.2.3',
    '::12345',
    '1:2:3:4:5:6:7:8:9',
    '::1%lo',
  ])('is none: "%s"', (text) => expect(parseIp(text)).toBeUndefined())
})
