package controlplane

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// row is a record with the revision it was committed at.
type row[T any] struct {
	value    T
	revision int64
}

// function is all that is known of one function. What is in the view is never
// changed: a change replaces it.
type function struct {
	id           lambda.FunctionID
	record       row[functionRecord]
	exists       bool
	latest       *lambda.Version // what invokes of $LATEST run
	versions     map[int]version
	aliases      map[string]row[aliasRecord]
	policies     map[string]row[policyRecord]      // by qualifier, "$LATEST" for the function's own
	eventInvokes map[string]row[eventInvokeRecord] // by qualifier
	urls         map[string]row[urlRecord]         // by qualifier
	reserved     *int                              // reserved concurrency, nil when it has none
	provisioned  map[string]provisionedRecord      // by qualifier
}

// version is one published version.
type version struct {
	row[versionRecord]
	runs *lambda.Version
}

// numbers are the published versions in ascending order.
func (f *function) numbers() []int { return slices.Sorted(maps.Keys(f.versions)) }

func (f *function) empty() bool {
	return !f.exists && f.reserved == nil && len(f.provisioned) == 0 && len(f.versions)+len(f.aliases)+len(f.policies)+len(f.eventInvokes)+len(f.urls) == 0
}

// region is what is known of one account's region as a whole.
type region struct {
	names        []string // of functions, in order
	codeBytes    int64    // of the zips of all versions and layers
	claimed      int64    // bytes that changes under way will add
	reservations row[reservationsRecord]
}

// view is the committed state in memory. Only the store's events change it, so it
// never shows what may still be undone.
type view struct {
	functions sync.Map // lambda.FunctionID → *function; read without a lock by Lookup

	unsettled func(lambda.FunctionID)
	retired   func(lambda.EnvironmentKey)
	// provisioning is told of changes of a function with provisioned concurrency.
	provisioning func(lambda.FunctionID)

	// mu is held for writing by one event at a time, and for the whole of loading.
	mu      sync.RWMutex
	regions map[home]*region
	layers  map[home]map[string]*layer // by name
	digests map[lambda.CodeDigest]int  // how many versions and layers use a package
	changed chan struct{}              // closed at the next change
}

func newView() *view {
	return &view{
		regions: make(map[home]*region),
		layers:  make(map[home]map[string]*layer),
		digests: make(map[lambda.CodeDigest]int),
		changed: make(chan struct{}),
	}
}

// function returns a function as it is now, or an empty one.
func (v *view) function(id lambda.FunctionID) *function {
	if f, ok := v.functions.Load(id); ok {
		return f.(*function)
	}
	return &function{id: id}
}

// next is closed when the view has changed after this call.
func (v *view) next() <-chan struct{} {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.changed
}

// region returns a region's state, making it; v.mu is held for writing.
func (v *view) region(h home) *region {
	r := v.regions[h]
	if r == nil {
		r = &region{}
		v.regions[h] = r
	}
	return r
}

// replace puts a changed function in place and wakes who waits for a change; v.mu
// is held for writing.
func (v *view) replace(f *function) {
	if f.empty() {
		v.functions.Delete(f.id)
	} else {
		v.functions.Store(f.id, f)
	}
	if len(f.provisioned) > 0 {
		v.provisioning(f.id)
	}
	v.wake()
}

func (v *view) wake() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// use and unuse count the packages that versions refer to.
func (v *view) use(p packageRecord) { v.digests[p.Digest]++ }

func (v *view) unuse(p packageRecord) {
	if v.digests[p.Digest]--; v.digests[p.Digest] <= 0 {
		delete(v.digests, p.Digest)
	}
}

// referenced says whether any version needs a package.
func (v *view) referenced(d lambda.CodeDigest) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.digests[d] > 0
}

// setFunction follows a change of a function's own record.
func (v *view) setFunction(id lambda.FunctionID, next row[functionRecord], exists bool) {
	old := v.function(id)
	if next.revision <= old.record.revision {
		return // an event from before this state was loaded
	}
	f := *old
	f.record, f.exists, f.latest = next, exists, nil
	r := v.region(homeOf(id))
	if old.exists {
		v.unuseAll(old.record.value.Latest.Settings)
		if s := old.record.value.Serving; s != nil {
			v.unuseAll(s.Settings)
		}
		r.codeBytes -= old.record.value.Latest.Settings.Code.Size
	}
	if exists {
		rec := next.value
		settings, generation := rec.Latest.Settings, rec.Latest.Generation
		v.useAll(settings)
		r.codeBytes += settings.Code.Size
		if rec.Serving != nil {
			settings, generation = rec.Serving.Settings, rec.Serving.Generation
			v.useAll(settings)
		}
		f.latest = runnable(id, lambda.Latest, settings, generation)
	}
	at, listed := slices.BinarySearch(r.names, id.Name)
	switch {
	case exists && !listed:
		r.names = slices.Insert(r.names, at, id.Name)
	case !exists && listed:
		r.names = slices.Delete(r.names, at, at+1)
	}
	v.replace(&f)
	if old.latest != nil && (f.latest == nil || f.latest.RevisionID != old.latest.RevisionID) {
		v.retired(old.latest.Key())
	}
	if exists && unsettledVersion(next.value.Latest) {
		v.unsettled(id)
	}
}

// setVersion follows a change of a published version.
func (v *view) setVersion(id lambda.FunctionID, n int, next row[versionRecord], exists bool) {
	old := v.function(id)
	before, had := old.versions[n]
	if had && next.revision <= before.revision {
		return
	}
	f := *old
	f.versions = maps.Clone(old.versions)
	r := v.region(homeOf(id))
	if had {
		v.unuseAll(before.value.Settings)
		r.codeBytes -= before.value.Settings.Code.Size
		delete(f.versions, n)
	}
	if exists {
		rec := next.value
		v.useAll(rec.Settings)
		r.codeBytes += rec.Settings.Code.Size
		f.versions = put(f.versions, n, version{
			row:  next,
			runs: runnable(id, strconv.Itoa(n), rec.Settings, rec.Generation),
		})
	}
	v.replace(&f)
	if had && !exists {
		v.retired(before.runs.Key())
	}
	if exists && unsettledVersion(next.value) {
		v.unsettled(id)
	}
}

// put sets a key in a map that may be nil.
func put[K comparable, V any](m map[K]V, k K, value V) map[K]V {
	if m == nil {
		m = make(map[K]V)
	}
	m[k] = value
	return m
}

// follow returns parts with one of them changed as the event says.
func follow[T any](parts map[string]row[T], part string, e store.RowEvent[T]) map[string]row[T] {
	if had, ok := parts[part]; ok && e.Revision <= had.revision {
		return parts
	}
	parts = maps.Clone(parts)
	if e.Deleted {
		delete(parts, part)
		return parts
	}
	return put(parts, part, row[T]{e.Value, e.Revision})
}

// unsettledVersion says whether a version waits for its transition.
func unsettledVersion(r versionRecord) bool {
	return r.State == lambda.StatePending || r.Update == updateInProgress
}

// runnable is a version as the data plane sees it.
func runnable(id lambda.FunctionID, label string, s settings, generation string) *lambda.Version {
	return &lambda.Version{
		Function:            id,
		Version:             label,
		RevisionID:          generation,
		Runtime:             s.Runtime,
		Handler:             s.Handler,
		RoleARN:             s.Role,
		Environment:         s.Environment,
		MemoryMB:            s.MemoryMB,
		Timeout:             time.Duration(s.TimeoutSec) * time.Second,
		EphemeralMB:         s.EphemeralMB,
		Architectures:       s.Architectures,
		CodeDigest:          s.Code.Digest,
		CodeSize:            s.Code.Size,
		Layers:              digests(s.Layers),
		LogFormat:           s.Logging.Format,
		LogGroup:            s.Logging.Group,
		ApplicationLogLevel: s.Logging.ApplicationLevel,
		SystemLogLevel:      s.Logging.SystemLevel,
		TenantIsolation:     s.Tenancy != "",
	}
}
