// nginx, Caddy and the 2020 gateway, each with a configuration in a folder of its own.
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchNative } from './native.mjs'

/**
 * What a native server serves: a file of the folder at its name, and `/hello` of a server behind it.
 * @typedef {{ folder: string, port: number, upstream: number }} Serving
 */

/** @param {Serving} serving */
export async function nginx({ folder, port, upstream }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  // Started by root, its worker would be somebody who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root; ' : ''
  await writeFile(
    join(folder, 'nginx.conf'),
    `${user}daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on; ${temporary}
  types { text/plain txt; }
  upstream behind { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location = /hello {
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";
    }
    location / { root ${folder}/public; }
  }
}
`,
  )
  return launchNative('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], folder)
}

/** @param {Serving} serving */
export async function caddy({ folder, port, upstream }) {
  const file = join(folder, 'Caddyfile')
  await writeFile(
    file,
    `{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	handle /hello {
		reverse_proxy 127.0.0.1:${upstream}
	}
	handle {
		root * ${folder}/public
		file_server
	}
}
`,
  )
  return launchNative('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], folder)
}

const GO_SOURCE = fileURLToPath(new URL('../../test/support/legacy/go/', import.meta.url))
const BUILD_TIMEOUT = 240_000
/** @type {Promise<string> | undefined} */
let built

/** Builds the 2020 gateway, once, outside of the repository. Rejects with what Go says. */
export function goGateway() {
  built ??= buildGo()
  return built
}

async function buildGo() {
  const folder = join(tmpdir(), `flatend-2020-gateway-${process.getuid?.() ?? 0}`)
  await mkdir(folder, { recursive: true })
  for (const name of ['go.mod', 'go.sum', 'service.go']) {
    await copyFile(join(GO_SOURCE, name), join(folder, name))
  }
  const args = ['build', '-o', 'gateway', 'github.com/lithdew/flatend/cmd/flatend']
  const { error, status, stderr } = spawnSync('go', args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT,
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  })
  if (error) throw new Error(`go: ${error.message}`)
  if (status !== 0) throw new Error(`go build: ${stderr.trim().split('\n').at(-1)}`)
  return join(folder, 'gateway')
}

/**
 * @param {string} program - of {@link goGateway}
 * @param {{ folder: string, port: number, mesh: number }} serving
 */
export async function gateway2020(program, { folder, port, mesh }) {
  const file = join(folder, 'config.toml')
  await writeFile(
    file,
    `addr = "127.0.0.1:${mesh}"
[[http]]
addr = "127.0.0.1:${port}"
[[http.routes]]
path = "GET /hello"
service = "hello"
[[http.routes]]
path = "GET /file.txt"
static = "${folder}/public/file.txt"
`,
  )
  return launchNative(program, ['-c', file], folder)
}
