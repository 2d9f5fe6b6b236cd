package workermanager

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// pools is how many versions the manager knows.
func pools(m *Manager) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pools)
}

func ready(t *testing.T, m *Manager, v *lambda.Version, want int) {
	t.Helper()
	synctest.Wait()
	if n, err := m.Provisioned(v.Key()); n != want || err != nil {
		t.Errorf("%d are ready (%v), want %d", n, err, want)
	}
}

func TestProvisionedEnvironmentsAreMadeBeforeAnybodyAsks(t *testing.T) {
	f := &fleet{startTime: time.Second}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 6)
		ready(t, m, v, 0)
		time.Sleep(time.Second)
		ready(t, m, v, 4) // no more than so many start at once
		time.Sleep(time.Second)
		ready(t, m, v, 6)
		env, cold, err := m.Acquire(t.Context(), v)
		if err != nil || cold || f.made() != 6 {
			t.Errorf("an invoke got cold %v, error %v, with %d opened; want a warm one of 6", cold, err, f.made())
		}
		m.Return(env, true)
	})
}

func TestProvisionedEnvironmentsStayWarm(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 2)
		a, b := acquire(t, m, v), acquire(t, m, v)
		c := acquire(t, m, v) // on demand
		m.Return(a, true)
		m.Return(b, true)
		m.Return(c, true)
		time.Sleep(10 * time.Minute)
		ready(t, m, v, 2)
		if n := f.count(); n != 2 {
			t.Errorf("%d environments are left, want the 2 that are provisioned", n)
		}
	})
}

func TestProvisionedEnvironmentsAreUsedFirst(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		spilled := acquire(t, m, v)
		m.Return(spilled, true)
		m.Provision(v, 1)
		ready(t, m, v, 1)
		first := acquire(t, m, v)
		if first == spilled {
			t.Error("an environment on demand was used before the provisioned one")
		}
		if second := acquire(t, m, v); second != spilled {
			t.Error("the idle environment on demand was not used")
		} else {
			m.Return(second, true)
		}
		m.Return(first, true)
	})
}

func TestProvisionedEnvironmentsAreMadeAnew(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 1)
		ready(t, m, v, 1)
		m.Return(acquire(t, m, v), false) // broken
		ready(t, m, v, 1)
		if f.made() != 2 {
			t.Errorf("after one broke %d were opened, want 2", f.made())
		}
		time.Sleep(time.Hour + time.Minute) // too old
		ready(t, m, v, 1)
		if f.made() != 3 || f.count() != 1 {
			t.Errorf("after one aged out %d were opened and %d are there, want 3 and 1", f.made(), f.count())
		}
	})
}

func TestProvisionedEnvironmentsEndWithTheirConfiguration(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 3)
		ready(t, m, v, 3)
		busy := acquire(t, m, v)
		m.Provision(v, 1)
		synctest.Wait()
		if n := f.count(); n != 1 {
			t.Errorf("%d are left of 3 with one busy and one wanted, want 1", n)
		}
		m.Provision(v, 0)
		m.Return(busy, true)
		synctest.Wait()
		if n := f.count(); n != 0 || pools(m) != 0 {
			t.Errorf("%d environments and %d pools are left, want none", n, pools(m))
		}
	})
}

func TestOtherFunctionsDoNotEvictProvisionedEnvironments(t *testing.T) {
	f := &fleet{room: 1}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 1)
		ready(t, m, v, 1)
		if _, _, err := m.Acquire(t.Context(), version("g")); !errors.Is(err, ErrNoCapacity) {
			t.Errorf("got error %v, want that the fleet is full", err)
		}
		ready(t, m, v, 1)
	})
}

func TestAFailedInitIsTriedAgainLater(t *testing.T) {
	f := &fleet{broken: true}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		m.Provision(v, 1)
		synctest.Wait()
		if n, err := m.Provisioned(v.Key()); n != 0 || !errors.Is(err, ErrInit) || f.made() != 1 || f.count() != 0 {
			t.Errorf("%d ready, error %v, %d opened, %d left; want 0, a failed Init, 1, 0", n, err, f.made(), f.count())
		}
		f.mu.Lock()
		f.broken = false
		f.mu.Unlock()
		time.Sleep(aheadRetry + time.Minute)
		ready(t, m, v, 1)
	})
}

func TestTenantsNeverShareAnEnvironment(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		v := version("f")
		v.TenantIsolation = true
		blue := acquire(t, m, v.ForTenant("blue"))
		m.Return(blue, true)
		green := acquire(t, m, v.ForTenant("green"))
		if green == blue {
			t.Fatal("two tenants got one environment")
		}
		m.Return(green, true)
		if again := acquire(t, m, v.ForTenant("blue")); again != blue {
			t.Error("a tenant's own environment was not used again")
		} else {
			m.Return(again, true)
		}
		m.Retire(v.Key())
		synctest.Wait()
		if n := f.count(); n != 0 {
			t.Errorf("%d environments outlive their version, want none", n)
		}
	})
}
