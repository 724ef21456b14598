const form = document.querySelector('#add')
const input = document.querySelector('#content')
const list = document.querySelector('#todos')
const status = document.querySelector('#status')
const template = document.querySelector('#todo')

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const content = input.value.trim()
  if (content === '') return
  // "." and ".." are folders in an address. With a space after them they are not; the service trims.
  void act(`todos/add/${encodeURIComponent(`${content} `)}`, () => {
    form.reset()
    input.focus()
    return `Added “${content}”.`
  })
})

await act()

/** Asks for a change, where one is given, then shows the list as it is now and says what happened. */
async function act(path, say) {
  try {
    if (path) await ask(path)
    const todos = await ask('todos')
    list.replaceChildren(...todos.map(item))
    status.textContent = say?.() ?? summary(todos)
  } catch (error) {
    status.textContent = `That did not work: ${error.message}`
  }
}

async function ask(path) {
  const response = await fetch(path, { cache: 'no-store' })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.detail ?? answer.title)
  return answer
}

/** One line of the list. Text goes in as text, never as markup, so nothing in it can run. */
function item({ id, content, state }) {
  const li = template.content.cloneNode(true).firstElementChild
  const [text, done, remove] = li.children
  const isDone = state === 'done'
  text.textContent = content
  li.classList.toggle('is-done', isDone)
  if (isDone) text.append(hidden(' (done)'))
  done.hidden = isDone
  label(done, `Done: ${content}`)
  label(remove, `Remove: ${content}`)
  done.addEventListener('click', () => change(`todos/done/${id}`, `“${content}” is done.`))
  remove.addEventListener('click', () => change(`todos/remove/${id}`, `Removed “${content}”.`))
  return li
}

/** The button that was pressed is gone with its line: the keyboard goes on at the top. */
function change(path, message) {
  return act(path, () => {
    input.focus()
    return message
  })
}

function label(button, text) {
  button.setAttribute('aria-label', text)
}

/** Said by screen readers, not shown: sighted people see the line through the text. */
function hidden(text) {
  const span = document.createElement('span')
  span.className = 'hidden'
  span.textContent = text
  return span
}

function summary(todos) {
  const open = todos.filter(({ state }) => state !== 'done').length
  if (todos.length === 0) return 'Nothing to do yet.'
  return open === 0 ? 'All done.' : `${open} to do.`
}
