package eventbridge

import (
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// defaultBus is the bus that every account has in every region.
const defaultBus = "default"

// busKey names a bus.
type busKey struct{ account, region, name string }

func (k busKey) arn() string { return k.prefix() + "event-bus/" + k.name }

func (k busKey) prefix() string { return "arn:aws:events:" + k.region + ":" + k.account + ":" }

// record is the key of the bus's record.
func (k busKey) record() string { return k.account + "/" + k.region + "/" + k.name }

// rule is the ARN of one of the bus's rules.
func (k busKey) rule(name string) string {
	if k.name == defaultBus {
		return k.prefix() + "rule/" + name
	}
	return k.prefix() + "rule/" + k.name + "/" + name
}

func archiveARN(account, region, name string) string {
	return "arn:aws:events:" + region + ":" + account + ":archive/" + name
}

func replayARN(account, region, name string) string {
	return "arn:aws:events:" + region + ":" + account + ":replay/" + name
}

// busNamed is the bus that a name or an ARN means to a caller; nothing means the
// default one.
func busNamed(c lambda.Caller, nameOrARN *string) busKey {
	k := busKey{c.Account, c.Region, defaultBus}
	if nameOrARN == nil || *nameOrARN == "" {
		return k
	}
	k.name = *nameOrARN
	if a, ok := parseARN(*nameOrARN); ok {
		if name, ok := strings.CutPrefix(a.resource, "event-bus/"); ok && a.service == "events" {
			return busKey{a.account, a.region, name}
		}
	}
	return k
}

// own is busNamed for operations on the caller's own buses only.
func own(c lambda.Caller, nameOrARN *string) (busKey, error) {
	k := busNamed(c, nameOrARN)
	if k.account != c.Account || k.region != c.Region {
		return k, noBus(k.name)
	}
	return k, nil
}

// arn is an ARN taken apart.
type arn struct{ service, region, account, resource string }

func parseARN(text string) (arn, bool) {
	f := strings.SplitN(text, ":", 6)
	if len(f) != 6 || f[0] != "arn" || !strings.HasPrefix(f[1], "aws") || f[2] == "" || f[5] == "" {
		return arn{}, false
	}
	return arn{f[2], f[3], f[4], f[5]}, true
}

// ruleOfARN is the rule that an ARN names.
func ruleOfARN(text string) (busKey, string, bool) {
	a, ok := parseARN(text)
	rest, isRule := strings.CutPrefix(a.resource, "rule/")
	if !ok || !isRule || a.service != "events" {
		return busKey{}, "", false
	}
	k := busKey{a.account, a.region, defaultBus}
	name := rest
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		k.name, name = rest[:i], rest[i+1:]
	}
	return k, name, true
}
