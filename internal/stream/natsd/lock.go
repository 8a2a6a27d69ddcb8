package natsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	lockName   = "gatewarden.lock"
	markerName = "gatewarden.json"
	format     = 1 // of the folder; a higher one is of a newer version
)

// marker is the content of the file that says that a folder is ours.
type marker struct {
	Program string `json:"program"`
	Format  int    `json:"format"`
}

// takeLock locks the folder for this process and writes its pid for the one that comes second.
func takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the store's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the store %s is in use by process %s: stop that one first, or give this one a folder of its own", dir, holder(path))
		}
		return nil, fmt.Errorf("lock the store %s: %w (the folder must be on a local disk)", dir, err)
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the store's lock: %w", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the store's lock: %w", err)
	}
	return f, nil
}

func holder(path string) string {
	b, _ := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return pid
	}
	return "(pid not yet written)"
}

// claim marks an empty folder as ours, and refuses one that is somebody else's.
func claim(dir string) error {
	path := filepath.Join(dir, markerName)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return claimNew(dir, path)
	}
	if err != nil {
		return fmt.Errorf("read the store's marker: %w", err)
	}
	var m marker
	if err := json.Unmarshal(b, &m); err != nil || m.Program != "gatewarden" {
		return damaged(dir, fmt.Errorf("its marker %s is unreadable", markerName))
	}
	if m.Format > format {
		return fmt.Errorf("the store %s has format %d and this version knows up to %d: a newer version wrote it; run that one, or restore a backup from before the upgrade", dir, m.Format, format)
	}
	return nil
}

func claimNew(dir, path string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the store's folder: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case lockName, markerName + ".new", "lost+found":
		default:
			return fmt.Errorf("the folder %s has no %s but holds %s: it is not a store of ours, or a damaged one. "+
				"Give an empty folder; if this was our store, restore it whole from a backup, or move it aside and start afresh: its findings, waivers and audit trail are then lost", dir, markerName, e.Name())
		}
	}
	b, err := json.Marshal(marker{Program: "gatewarden", Format: format})
	if err != nil {
		panic("natsd: the marker does not encode: " + err.Error()) // unreachable: two plain fields
	}
	return writeSynced(path, append(b, '\n'))
}

// writeSynced writes a file whole or not at all, also over a power loss.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
