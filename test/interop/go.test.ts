import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl } from '../support/curl.ts'
import { gatewayForTest, routes, temporaryFolder } from '../support/gateway.ts'
import { eventually, start, stopProcessesAfterwards } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const MODULE = 'github.com/lithdew/flatend@v0.0.8'

const program = (address: string): string => `package main

import (
	"log"

	"github.com/lithdew/flatend"
)

func main() {
	node := &flatend.Node{
		Services: map[string]flatend.Handler{
			"hello": func(ctx *flatend.Context) {
				ctx.WriteHeader("x-sdk", "go")
				ctx.Write([]byte("Hello from Go!"))
			},
		},
	}
	if err := node.Start("${address}"); err != nil {
		log.Fatal(err)
	}
	select {}
}
`

/** Runs `go` in a folder; what it complains of, or nothing. */
function go(folder: string, ...args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync('go', args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (error) return error.message
  if (status === 0) return undefined
  return stderr.trim().split('\n').at(-1) ?? `go ended with ${status}`
}

test('a service of the 2020 Go SDK behind our gateway', { timeout: 300_000 }, async (ctx) => {
  const what = `interop with the 2020 Go SDK (${MODULE})`
  const missing = spawnSync('go', ['version']).error
  skipUnless(ctx, { met: !missing, what, reason: 'go is not installed' })
  const folder = temporaryFolder()
  const failure = go(folder, 'mod', 'init', 'example.org/service') ?? go(folder, 'get', MODULE)
  skipUnless(ctx, {
    met: failure === undefined,
    what,
    reason: `the module cannot be had: ${failure}`,
  })

  const gateway = await gatewayForTest({
    config: routes(['GET /hello', 'hello']),
    args: ['--legacy'],
  })
  writeFileSync(join(folder, 'main.go'), program(gateway.mesh))
  expect(go(folder, 'build', '-o', 'service', '.')).toBeUndefined()
  const service = start([], { program: join(folder, 'service') })
  await eventually(async () => (await curl(`${gateway.url}/hello`)).status === 200)
  expect(await curl(`${gateway.url}/hello`)).toMatchObject({ body: 'Hello from Go!' })
  expect(service.alive).toBe(true)
})
