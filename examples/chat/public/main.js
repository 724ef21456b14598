const query = new URLSearchParams(location.search)
const room = query.get('room') ?? 'lobby'
const name = query.get('name') ?? `guest ${Math.floor(Math.random() * 1_000)}`
const url = new URL(
  `rooms/${encodeURIComponent(room)}?name=${encodeURIComponent(name)}`,
  location.href,
)
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'

const state = document.querySelector('#state')
const messages = document.querySelector('#messages')
const form = document.querySelector('#say')
const text = document.querySelector('#text')
let socket

function show({ from, text: said }) {
  const line = document.createElement('li')
  line.textContent = from === '' ? `— ${said}` : `${from}: ${said}`
  messages.append(line)
  line.scrollIntoView()
}

/** Connects, and again whenever the connection ends: a gateway that stops closes with 1001. */
function connect() {
  socket = new WebSocket(url)
  socket.addEventListener('open', () => {
    state.textContent = `In ${room} as ${name}.`
  })
  socket.addEventListener('message', ({ data }) => show(JSON.parse(data)))
  socket.addEventListener('close', ({ code }) => {
    state.textContent = `Not connected (${code}). Trying again …`
    setTimeout(connect, 1_000)
  })
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (socket.readyState !== WebSocket.OPEN) return
  socket.send(text.value)
  text.value = ''
})
connect()
