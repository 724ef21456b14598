import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable } from '../src/cli/printable.ts'
import { shownValue } from '../src/cli/repl-screen.ts'
import { CallError, HandlerError } from '../src/index.ts'

/** Whether a terminal may take it for an order. */
function isOrder(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (character === '\n' || character === '\t') return false
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e)
}

describe('text of others', () => {
  test('is left as it is where it is text', () => {
    const text = 'Grüße, 世界\n\tline two 👋'
    expect(printable(text)).toBe(text)
  })

  test('is spelled out where it is none', () => {
    expect(printable('a\u001b[2Jb\u009b1m\u202ec\rd\u0000\r\n')).toBe(
      'a\\x1b[2Jb\\x9b1m\\u202ec\\x0dd\\x00\n',
    )
  })

  test('never orders a terminal about, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(Array.from(printable(text)).filter(isOrder)).toEqual([])
        for (const value of [text, [text], new Error(text), [new Error(text)], { [text]: 1 }])
          expect(Array.from(shownValue(value, false)).filter(isOrder)).toEqual([])
      }),
    )
  })
})

describe('a value at the prompt', () => {
  test('has colours where they are wanted, unless something in it needs spelling out', () => {
    expect(shownValue({ a: 1 }, true)).toBe('{ a: \u001b[33m1\u001b[39m }')
    expect(shownValue({ a: 1 }, false)).toBe('{ a: 1 }')
    expect(shownValue([new HandlerError(400, '\u001b[2J')], true)).not.toContain('\u001b')
  })

  test('that is an error of a call tells its code and what to do, and no stack', () => {
    const error = new CallError('deadline', 'the deadline of the call passed')
    expect(shownValue(error, true)).toBe(
      'CallError [FLATEND_RPC_DEADLINE]: the deadline of the call passed\n' +
        '  give it longer: call(name, body, { timeoutMs: 60_000 })',
    )
  })

  test('that is another error keeps what it says, without the frames below what was typed', () => {
    const error = Object.assign(new Error('mine'), { code: 'ENOENT' })
    error.stack =
      'Error: mine\n    at REPL1:1:7\n    at runInThisContext (node:vm:137:12)\n    at file:///x.js:1:2'
    expect(shownValue(error, true)).toBe("Error: mine\n    at REPL1:1:7 {\n  code: 'ENOENT'\n}")
  })
})
