package runtimes

import "fmt"

// language is what a runtime's handlers are written in.
type language int

const (
	provided language = iota // any executable
	node
	python
)

// entry is one runtime of the catalogue.
type entry struct {
	name     string
	language language
	// version is what the interpreter's version begins with: Node's major version,
	// Python's major and minor.
	version string
	// remedyHint is how to get an interpreter that Hearth cannot install itself.
	remedyHint string
}

// entries are the runtimes that Hearth runs. The managed ones that AWS has
// withdrawn from creation stay as long as people run functions on them.
var entries = []entry{
	nodeEntry("24"), nodeEntry("22"), nodeEntry("20"), nodeEntry("18"),
	pythonEntry("3.14"), pythonEntry("3.13"), pythonEntry("3.12"),
	pythonEntry("3.11"), pythonEntry("3.10"), pythonEntry("3.9"),
	{name: "provided.al2023"},
	{name: "provided.al2"},
}

func nodeEntry(major string) entry {
	return entry{name: "nodejs" + major + ".x", language: node, version: major}
}

func pythonEntry(version string) entry {
	return entry{
		name: "python" + version, language: python, version: version,
		remedyHint: fmt.Sprintf("install Python %s where Hearth finds it: on PATH as python%s, or with "+
			"pyenv (pyenv install %s) or uv (uv python install %s)", version, version, version, version),
	}
}

// remedy says how to get the runtime on this host.
func (e entry) remedy() string {
	if e.remedyHint != "" {
		return e.remedyHint
	}
	return "hearth runtimes install " + e.name
}

// lookup finds an entry by its runtime name.
func lookup(name string) (entry, bool) {
	for _, e := range entries {
		if e.name == name {
			return e, true
		}
	}
	return entry{}, false
}

// sdkName is the name under which Install knows the language's AWS SDK.
func sdkName(l language) string {
	if l == node {
		return "nodejs-sdk"
	}
	return "python-sdk"
}
