package eventbridge

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// pageMax is the largest page and the default (API model, LimitMax100).
const pageMax = 100

// tokenPrefix begins what a page's token says; the rest is the last name on it.
const tokenPrefix = "after "

// pageOf is the page of names that a token leads to, in order, and the token of the
// next one. A token outlives changes of the list.
func pageOf(names []string, token *string, limit *int32) (page []string, next *string, err error) {
	after := ""
	if aws.ToString(token) != "" {
		text, err := base64.StdEncoding.DecodeString(*token)
		last, ok := strings.CutPrefix(string(text), tokenPrefix)
		if err != nil || !ok {
			return nil, nil, errToken
		}
		after = last
	}
	slices.Sort(names)
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	names = names[from:]
	n := pageMax
	if limit != nil {
		n = int(*limit)
	}
	if len(names) <= n {
		return names, nil, nil
	}
	return names[:n], aws.String(base64.StdEncoding.EncodeToString([]byte(tokenPrefix + names[n-1]))), nil
}
