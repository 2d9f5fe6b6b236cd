package controlplane

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/pattern"
)

// filtersMax is how many patterns a mapping may have (Lambda developer guide,
// "Control which events Lambda sends to your function").
const filtersMax = 5

// checkFilters returns the patterns of a request, or the error that refuses them.
func checkFilters(c *types.FilterCriteria) ([]string, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Filters) > filtersMax {
		return nil, invalid("Maximum number of filters exceeded. The maximum number of filters allowed per event source mapping is %d.", filtersMax)
	}
	var patterns []string
	for _, f := range c.Filters {
		text := value(f.Pattern)
		if _, err := pattern.Parse(text, pattern.Mapping); err != nil {
			return nil, invalid("Invalid filter pattern definition.")
		}
		patterns = append(patterns, text)
	}
	return patterns, nil
}
