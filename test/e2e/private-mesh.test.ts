// Meshes that have a key, and ids that cost work: by the command line and by configuration.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Node, type NodeOptions } from '@flatend/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { flatend } from '../support/command.ts'
import { gatewayForTest, routes, temporaryFolder } from '../support/gateway.ts'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'

stopProcessesAfterwards()

interface Report {
  readonly ok: boolean
  readonly findings: readonly { readonly check: string; readonly level: string }[]
}

async function node(options: NodeOptions): Promise<Node> {
  const started = await Node.start(options)
  onTestFinished(() => started.shutdown({ timeoutMs: 0 }))
  return started
}

/** How the findings of one kind are. */
const levels = (check: string, { findings }: Report): readonly string[] =>
  findings.filter((finding) => finding.check === check).map(({ level }) => level)

/** A folder with the key of a network, as the command makes one. */
async function keyed(): Promise<{ folder: string; file: string; networkKey: Uint8Array }> {
  const folder = temporaryFolder()
  const file = join(folder, 'network.key')
  const made = await flatend(['keygen', '--network', file])
  expect(made).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^[0-9a-f]{64}\n$/)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect((await flatend(['keygen', '--network', file])).stderr).toContain('never overwritten')
  return { folder, file, networkKey: Buffer.from(text.trim(), 'hex') }
}

const hello = { hello: () => 'Hello world!' }
const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

describe('a private mesh', { timeout: 60_000 }, () => {
  test('by the command line: who has its key calls, who has not is told', async () => {
    const { folder, file, networkKey } = await keyed()
    const address = await freeAddress()
    await node({ bindAddrs: [address], networkKey, network: 'blue', services: hello })
    const joining = ['-b', address, '--network', 'blue', '--network-key-file', file]
    expect(await flatend(['call', 'hello', ...joining])).toMatchObject({
      code: 0,
      stdout: 'Hello world!',
    })
    expect((await flatend(['peers', '-b', address, '--network', 'blue'])).code).toBe(1)
    const other = join(folder, 'other.key')
    writeFileSync(other, 'nonsense')
    const wrong = await flatend(['peers', '-b', address, '--network-key-file', other])
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toMatch(/^flatend: the key of the network in .*other\.key is not usable/)
  })

  test.each(['file', 'text'])(
    'by configuration, as %s; the doctor reads the same',
    async (kind) => {
      const { folder, file, networkKey } = await keyed()
      const seed = await freeAddress()
      const seedNode = await node({
        bindAddrs: [seed],
        networkKey,
        network: 'blue',
        services: hello,
      })
      const key =
        kind === 'file'
          ? `network_key_file = ${JSON.stringify(file)}`
          : `network_key = "${Buffer.from(networkKey).toString('hex')}"`
      const own = join(folder, 'own.key')
      await flatend(['keygen', own])
      const id = readFileSync(own, 'utf8').trim().slice(64)
      const identity = `secret_key_file = ${JSON.stringify(own)}`
      const top = `bootstrap = ["${seed}"]\nnetwork = "blue"\n${key}\n${identity}`
      const gateway = await gatewayForTest({ top, config: routes(['GET /hello', 'hello']) })
      const ask = async (): Promise<boolean> => (await fetch(`${gateway.url}/hello`)).ok
      await eventually(ask)

      const config = join(gateway.folder, 'config.toml')
      const look = async (): Promise<Report> => {
        const { stdout } = await flatend(['doctor', '--json', '-c', config])
        return JSON.parse(stdout) as Report
      }
      const running = await look()
      expect({ ok: running.ok, seed: levels('seed', running) }).toEqual({ ok: true, seed: ['ok'] })
      // The gateway keeps its key, and goes on.
      expect(levels('key', running)).toEqual(['note'])
      expect(await ask()).toBe(true)
      await gateway.process.stop()
      const met = new Set<string>()
      onTestFinished(seedNode.on('peer-joined', (peer) => met.add(peer.id.toString())))
      const stopped = await look()
      expect({ ok: stopped.ok, key: levels('key', stopped) }).toEqual({ ok: true, key: [] })
      expect([...met]).toContain(id)
      // Options win over the configuration.
      const nobody = await freeAddress()
      const elsewhere = await flatend(['doctor', '--json', '-c', config, '-b', nobody])
      expect(elsewhere.code).toBe(1)
      expect(elsewhere.stdout).toContain(nobody)
      const without = await flatend(['doctor', '-b', seed])
      expect(without.code).toBe(1)
    },
  )

  test('the doctor looks at a gateway that joins nobody itself', async () => {
    const { folder, file } = await keyed()
    const gateway = await gatewayForTest({
      top: `network_key_file = ${JSON.stringify(file)}`,
      config: '',
    })
    expect(folder).not.toBe(gateway.folder)
    const config = join(gateway.folder, 'config.toml')
    const { code, stdout } = await flatend(['doctor', '-c', config])
    expect(stdout).toContain(`seed ${gateway.mesh}`)
    expect(code).toBe(0)
    await gateway.process.stop()
    expect((await flatend(['doctor', '-c', config])).code).toBe(1)
  })
})

test('ids that cost work, by the command line and by configuration', async () => {
  const folder = temporaryFolder()
  const own = join(folder, 'own.key')
  const other = join(folder, 'other.key')
  for (const file of [own, other]) await flatend(['keygen', file, '--puzzle', '6'])
  const top = `secret_key_file = ${JSON.stringify(own)}\npuzzles = { static = 6, dynamic = 6 }`
  const gateway = await gatewayForTest({ top, config: '' })
  const puzzles = ['--puzzle-static', '6', '--puzzle-dynamic', '6', '--secret-key-file', other]
  const { code, stdout } = await flatend(['peers', '--json', '-b', gateway.mesh, ...puzzles])
  expect(code).toBe(0)
  const [peer] = JSON.parse(stdout) as readonly { readonly key: string }[]
  expect(peer?.key).toBe(readFileSync(own, 'utf8').trim().slice(64))
  // The doctor, whose key has not paid, looks all the same.
  const config = join(gateway.folder, 'config.toml')
  expect((await flatend(['doctor', '-c', config])).stdout).toContain('All is well.')
  const light = join(folder, 'light.key')
  writeFileSync(light, `${'07'.repeat(32)}\n`)
  const args = ['peers', '-b', gateway.mesh, '--puzzle-static', '24', '--secret-key-file', light]
  const refused = await flatend(args)
  expect(refused).toMatchObject({ code: 2 })
  expect(refused.stderr).toContain('flatend keygen --puzzle 24')
})
