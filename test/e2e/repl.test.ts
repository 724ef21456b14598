import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/gateway.ts'
import {
  eventually,
  FLATEND,
  freePort,
  type Process,
  run,
  start,
  stopProcessesAfterwards,
} from '../support/processes.ts'
import { programHere, programPath } from '../support/programs.ts'
import { type RemoteNode, startNode } from '../support/remote-node.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const SERVICES = ['hello', 'pipe', 'show', 'fail', 'hold']

/** A node of those services, and where it is joined through. */
async function mesh(): Promise<{ readonly node: RemoteNode; readonly address: string }> {
  const address = `127.0.0.1:${await freePort()}`
  return { node: await startNode({ publicAddr: address, services: SERVICES }), address }
}

/** Runs a script to its end. */
function script(address: string, lines: readonly string[]): ReturnType<typeof run> {
  return run([FLATEND, 'repl', '-b', address], { input: `${lines.join('\n')}\n` })
}

async function peersOf(node: RemoteNode): Promise<readonly unknown[]> {
  return (await node.command('peers'))['peers'] as readonly unknown[]
}

describe('a script', { timeout: 60_000 }, () => {
  test('its lines run one after the other, with what those before them made', async () => {
    const { node, address } = await mesh()
    const { code, stdout, stderr } = await script(address, [
      "const reply = await call('pipe', 'some text')",
      '(await reply.text()).length',
      '.call show {"a":1}',
      '.call pipe not { json',
      'let sum = 0',
      'for (const n of [1, 2, 3]) {',
      '  sum += n',
      '}',
      'await new Promise((resolve) => setTimeout(resolve, 20, sum * 7))',
      "services().map(({ name }) => name).join(' ')",
      "(await peers())[0].version + (await find('hello')).length",
      '.find nobody',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^200\nsome text\n9\n200\n\{/)
    expect(stdout).toContain('"content-type":"application/json"')
    expect(stdout).toContain('\n200\nnot { json\n')
    expect(stdout).toContain(`\n42\n'${SERVICES.toSorted().join(' ')}'\n3\n`)
    expect(stdout.endsWith('\nnobody offers "nobody" in this mesh\n')).toBe(true)
    await eventually(async () => (await peersOf(node)).length === 0)
  })

  test('the answer of a call is the last word where nothing is left to print', async () => {
    const { address } = await mesh()
    expect(await script(address, ["void (await call('hello'))"])).toMatchObject({
      code: 0,
      stdout: '200\nHello world!\n',
      stderr: '',
    })
  })

  test('a line that fails is told by number, the rest runs, the status is 1', async () => {
    const { address } = await mesh()
    const { code, stdout, stderr } = await script(address, [
      "await call('nobody')",
      'nonsense(',
      ')',
      'const x = = 1',
      '.cal hello',
      "await call('')",
      "await call('hold', '', { timeoutMs: 300 })",
      "'still here'",
      "throw new Error('mine \\x1b[2J')",
      'if (true) {',
    ])
    expect(code).toBe(1)
    expect(stdout).toBe("200\nheld, \n'still here'\n")
    const told = stderr.match(/^flatend: line .*$/gm)
    expect(told).toEqual([
      expect.stringMatching(/^flatend: line 1: CallError \[FLATEND_RPC_NO_PROVIDER\]: .*nobody/),
      'flatend: line 3: ReferenceError: nonsense is not defined',
      expect.stringMatching(/^flatend: line 4: /),
      'flatend: line 5: Invalid REPL keyword',
      'flatend: line 6: TypeError: call takes the name of a service',
      expect.stringMatching(/^flatend: line 7: CallError \[FLATEND_RPC_DEADLINE\]: /),
      'flatend: line 9: Error: mine \\x1b[2J',
      'flatend: line 10: the input ends within a statement',
    ])
    expect(stderr).toContain('\n  .services lists what is offered')
    expect(stderr).toContain('timeoutMs: 60_000')
    expect(stderr).not.toMatch(/^\s+at .*(?:node:|file:)/m)
  })

  test.each([
    ['a status of 400 or above', '.call fail'],
    ['a call that nobody waited for', "void call('nobody')"],
    ['a promise that nobody took care of', "void Promise.reject(new Error('mine'))"],
    ['an error in a callback', "void setImmediate(() => { throw new Error('mine') })"],
  ])('%s is a failure too', async (_, line) => {
    const { address } = await mesh()
    expect(await script(address, [line])).toMatchObject({ code: 1 })
  })

  test('.load runs a file line by line, in its place', async () => {
    const { address } = await mesh()
    const file = join(temporaryFolder(), 'lines.js')
    const lines = [
      "const text = await (await call('hello')).text()",
      'text.length',
      'nonsense(',
      ')',
    ]
    writeFileSync(file, lines.join('\r\n'))
    const { code, stdout, stderr } = await script(address, [
      `.load ${file}`,
      'text.length + 1',
      `.load ${file}.missing`,
      "'still here'",
    ])
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: "200\nHello world!\n12\n13\n'still here'\n",
    })
    expect(stderr.match(/^flatend: line .*$/gm)).toEqual([
      'flatend: line 1: ReferenceError: nonsense is not defined',
      `flatend: line 3: .load: ENOENT: no such file or directory, open '${file}.missing'`,
    ])
  })

  test('.exit ends it; calls that nobody waited for are finished first', async () => {
    const { address } = await mesh()
    const ended = await script(address, ["void call('hello')", '.exit', "'not run'"])
    expect(ended).toMatchObject({ code: 0, stdout: '200\nHello world!\n', stderr: '' })
  })

  test('offers functions while it runs', async () => {
    const { node, address } = await mesh()
    const shell = start([FLATEND, 'repl', '-b', address])
    shell.child.stdin.write("provide('greet', async (ctx) => `Hello ${await ctx.body()}`)\n")
    shell.child.stdin.write("provide({ one: () => 1, two: () => new Uint8Array([50]) }); 'ready'\n")
    await shell.line(/ready/)
    const call = { services: ['greet'], text: 'Ada' }
    // What is offered is told to others a moment later.
    expect(await eventually(() => node.call(call).catch(() => undefined))).toMatchObject({
      status: 200,
      text: 'Hello Ada',
    })
    expect(await node.call({ services: ['two'] })).toMatchObject({ text: '2' })
    shell.child.stdin.end()
    expect(await shell.exited).toMatchObject({ code: 0 })
  })

  test('where nobody is there to join it says so, and goes on', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const { code, stdout, stderr } = await script(address, ['6 * 7'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' })
    expect(stderr).toContain(`"flatend doctor -b ${address}" tells what is wrong`)
  })
})

/** What decides of colours besides TERM: a machine that tests things may have any of them. */
const COLOURS = ['CI', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'NO_COLOR', 'TMUX']

/** A shell at a terminal of its own, which script(1) makes. */
class Terminal {
  readonly process: Process
  #seen = 0

  constructor(address: string, env: Readonly<Record<string, string>>) {
    const command = ['exec', `"${process.execPath}"`, `"${FLATEND}"`, 'repl', '-b', address]
    const unset = COLOURS.filter((name) => !(name in env)).join(' ')
    this.process = start(
      ['-qefc', `unset ${unset}; stty rows 24 cols 80; ${command.join(' ')}`, '/dev/null'],
      {
        program: programPath('script') ?? 'script',
        env: { TERM: 'xterm', SHELL: '/bin/sh', ...env },
      },
    )
  }

  /** Waits for the text, after what was waited for before; gives what came in between. */
  async shows(text: string): Promise<string> {
    const from = this.#seen
    const at = await eventually(() => {
      const found = this.process.stdout.indexOf(text, from)
      if (found < 0 && !this.process.alive) throw new Error('the shell has ended')
      return found < 0 ? undefined : { found }
    }).catch((error: unknown) => {
      throw new Error(`no ${JSON.stringify(text)} on ${JSON.stringify(this.process.stdout)}`, {
        cause: error,
      })
    })
    this.#seen = at.found + text.length
    return this.process.stdout.slice(from, this.#seen)
  }

  type(keys: string): void {
    this.process.child.stdin.write(keys)
  }
}

const PROMPT = 'flatend> \u001b[10G'

describe('a prompt', { timeout: 60_000 }, () => {
  test('completes, calls, cancels, keeps what is typed whole, and leaves', async (ctx) => {
    skipUnless(ctx, programHere('script', 'flatend repl at a terminal'))
    const { node, address } = await mesh()
    const state = temporaryFolder()
    const history = join(state, 'flatend', 'repl_history')
    mkdirSync(join(state, 'flatend'))
    writeFileSync(history, '')
    chmodSync(history, 0o644)
    const shell = new Terminal(address, { XDG_STATE_HOME: state, NO_COLOR: '1' })
    await shell.shows('1 node joined')
    await shell.shows(PROMPT)

    shell.type('.call pi')
    await shell.shows('.call pi')
    shell.type('\t')
    await shell.shows('pe')
    shell.type(' "\\u001b[2Jred"\r')
    expect(await shell.shows(PROMPT)).toContain('200\r\n\\x1b[2Jred\r\nReply {')

    shell.type("console.log(String.fromCharCode(27) + '[2Jblue')\r")
    expect(await shell.shows(PROMPT)).toContain('\r\n\\x1b[2Jblue\r\n')

    shell.type('.call hold\r')
    await shell.shows('held, ')
    shell.type('\u0003')
    expect(await shell.shows(PROMPT)).toContain('\r\nUncaught Error: interrupted\r\n')
    expect(await node.event('cancelled').catch(String)).toMatchObject({ service: 'hold' })

    shell.type("void node.on('peer-joined', () => console.log('somebody joined'))\r")
    await shell.shows(PROMPT)
    shell.type('6 *')
    await shell.shows('6 *')
    await startNode({ addrs: [address], bindAddrs: ['127.0.0.1:0'] })
    await shell.shows('somebody joined\r\n')
    await shell.shows('flatend> 6 *')
    shell.type(' 7\r')
    await shell.shows('\r\n42\r\n')
    await shell.shows(PROMPT)

    shell.type('\u0004')
    expect(await shell.process.exited).toMatchObject({ code: 0 })
    // eslint-disable-next-line no-control-regex -- colours are control characters
    expect(shell.process.stdout).not.toMatch(/\u001b\[3\dm/)
    await eventually(async () => (await peersOf(node)).length === 1)
    expect(statSync(history).mode & 0o777).toBe(0o600)
    expect(readFileSync(history, 'utf8').split('\n').slice(0, 2)).toEqual([
      '6 * 7',
      "void node.on('peer-joined', () => console.log('somebody joined'))",
    ])
  })

  test('keeps no history where that is not wanted; has colours where nobody forbids', async (ctx) => {
    skipUnless(ctx, programHere('script', 'flatend repl at a terminal'))
    const { address } = await mesh()
    const state = temporaryFolder()
    const shell = new Terminal(address, { XDG_STATE_HOME: state, FLATEND_REPL_HISTORY: '' })
    await shell.shows(PROMPT)
    shell.type('6 * 7\r')
    await shell.shows('\u001b[33m42\u001b[39m')
    await shell.shows(PROMPT)
    shell.type('.exit\r')
    expect(await shell.process.exited).toMatchObject({ code: 0 })
    expect(existsSync(join(state, 'flatend'))).toBe(false)
  })
})
