package iam

import "strings"

// awsAccount stands in the ARNs of AWS-managed policies where others have an id.
const awsAccount = "aws"

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func roleARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":role" + path + name
}

func policyARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":policy" + path + name
}

// arnAccount is the account of an ARN; empty when it has none or is no ARN.
func arnAccount(arn string) string {
	for range 4 {
		var found bool
		if _, arn, found = strings.Cut(arn, ":"); !found {
			return ""
		}
	}
	account, _, found := strings.Cut(arn, ":")
	if !found {
		return ""
	}
	return account
}

// nameOfARN takes the name out of arn:aws:iam::<account>:<kind>/<path>/<name>.
func nameOfARN(arn, kind string) (account, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:iam::")
	if !ok {
		return "", "", false
	}
	account, rest, _ = strings.Cut(rest, ":")
	rest, ok = strings.CutPrefix(rest, kind+"/")
	if !ok || account != awsAccount && !isAccountID(account) {
		return "", "", false
	}
	name = rest[strings.LastIndexByte(rest, '/')+1:]
	return account, name, name != ""
}

// entityKey is the key of a role's or policy's record. Names are kept as they were
// written and told apart without case (IAM user guide, identifiers).
func entityKey(account, name string) string { return account + "/" + strings.ToLower(name) }
