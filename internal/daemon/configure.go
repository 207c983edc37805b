package daemon

import (
	"vedette/internal/config"
	"vedette/internal/plug"
	sources "vedette/internal/source/all"
)

// Configure reads and checks the configuration at path; an empty path stands for the
// defaults.
func Configure(path string) (config.Config, error) {
	kinds, err := plug.NewSet(sources.Kinds()...)
	if err != nil {
		return config.Config{}, err
	}
	return config.Load(path, kinds)
}
