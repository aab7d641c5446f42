# One word for each thing one does with Postern. `make` alone lists them.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
MODULE := $(TARGET)/module/release/libpostern.so
COMMAND := $(TARGET)/release/postern
DAEMON := $(TARGET)/release/posternd
# Where Linux-PAM looks: /usr/lib/<triplet>/security on Debian.
LIBDIR ?= /usr/lib/$(shell gcc -print-multiarch)
PAMDIR ?= $(LIBDIR)/security
# Where Cyrus SASL looks; without libsasl there is no such folder, and nothing goes there unless it is named.
SASLDIR ?= $(wildcard $(LIBDIR)/sasl2)
MANDIR ?= /usr/share/man
DOCDIR ?= /usr/share/doc/postern
INSTALL ?= install
DPKG ?= dpkg

# Each step needs the one before it.
.NOTPARALLEL:
.PHONY: help build compile install uninstall deb deb-test test proof demo bench man packages packages-test packages-proof toolchain

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 10

build: toolchain packages compile ## builds the module, the command and the daemon

# Alone for a Debian build, which brings the rest by itself.
compile:
	$(CARGO) build --release --locked --bins
	@# Apart from the command: no command-line crates in the hosts, and cdylib beside rlib would lose fat LTO.
	CARGO_TARGET_DIR=$(TARGET)/module $(CARGO) rustc --release --locked --lib --crate-type cdylib --no-default-features

install: ## installs all of it into the system, or below DESTDIR; run `make build` before
	@test -f $(MODULE) -a -f $(COMMAND) -a -f $(DAEMON) || { echo 'Nothing to install yet: run "make build" first.' >&2; exit 2; }
	$(INSTALL) -d $(DESTDIR)$(PAMDIR) $(DESTDIR)/usr/bin $(DESTDIR)/usr/sbin $(DESTDIR)/usr/include $(DESTDIR)/etc/pam.d $(DESTDIR)/etc/postern/pam.d
	@# By rename: a login that has the old module mapped must not see it change.
	$(INSTALL) -m 644 $(MODULE) $(DESTDIR)$(PAMDIR)/.pam_postern.so.new
	mv -f $(DESTDIR)$(PAMDIR)/.pam_postern.so.new $(DESTDIR)$(PAMDIR)/pam_postern.so
	@# A file of its own, no link: where AppArmor confines smtpd it may read in here alone. libsasl opens *.so, and no other.
	$(if $(SASLDIR),$(INSTALL) -d $(DESTDIR)$(SASLDIR))
	$(if $(SASLDIR),$(INSTALL) -m 644 $(MODULE) $(DESTDIR)$(SASLDIR)/.libpostern.new)
	$(if $(SASLDIR),mv -f $(DESTDIR)$(SASLDIR)/.libpostern.new $(DESTDIR)$(SASLDIR)/libpostern.so)
	$(INSTALL) -m 755 $(COMMAND) $(DESTDIR)/usr/bin/.postern.new
	mv -f $(DESTDIR)/usr/bin/.postern.new $(DESTDIR)/usr/bin/postern
	$(INSTALL) -m 755 $(DAEMON) $(DESTDIR)/usr/sbin/.posternd.new
	mv -f $(DESTDIR)/usr/sbin/.posternd.new $(DESTDIR)/usr/sbin/posternd
	$(INSTALL) -m 644 $(MODULE) $(DESTDIR)$(LIBDIR)/.libpostern.so.new
	mv -f $(DESTDIR)$(LIBDIR)/.libpostern.so.new $(DESTDIR)$(LIBDIR)/libpostern.so
	$(INSTALL) -m 644 include/postern.h $(DESTDIR)/usr/include/postern.h
	$(INSTALL) -d $(DESTDIR)/usr/lib/systemd/system
	$(INSTALL) -m 644 packaging/systemd/postern.socket packaging/systemd/postern.service $(DESTDIR)/usr/lib/systemd/system/
	for page in packaging/man/*; do \
	    $(INSTALL) -D -m 644 "$$page" "$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}" || exit 1; \
	done
	@# Where the guides say that examples lie.
	find packaging/examples packaging/fail2ban packaging/apparmor packaging/guides -type f | while read -r file; do \
	    place=$${file#packaging/}; \
	    case $$place in fail2ban/* | apparmor/*) place=examples/$$place ;; esac; \
	    $(INSTALL) -D -m 644 "$$file" "$(DESTDIR)$(DOCDIR)/$$place" || exit 1; \
	done
	@# Where PAM looks if a file is gone from /etc/pam.d, before it falls to "other".
	$(INSTALL) -d $(DESTDIR)/usr/lib/pam.d
	$(INSTALL) -m 644 packaging/etc/pam.d/postern-* $(DESTDIR)/usr/lib/pam.d/
	$(INSTALL) -d $(DESTDIR)/usr/lib/sysusers.d $(DESTDIR)/usr/lib/tmpfiles.d
	$(INSTALL) -m 644 packaging/systemd/postern.sysusers $(DESTDIR)/usr/lib/sysusers.d/postern.conf
	$(INSTALL) -m 644 packaging/systemd/postern.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/postern.conf
	@complete() { mkdir -p "$(DESTDIR)/usr/share/$${2%/*}" && $(COMMAND) completions "$$1" >"$(DESTDIR)/usr/share/$$2"; }; \
	    complete bash bash-completion/completions/postern && \
	    complete zsh zsh/vendor-completions/_postern && \
	    complete fish fish/vendor_completions.d/postern.fish
	@# What an administrator has changed stays.
	@keep() { test -e "$$2" || $(INSTALL) -m 644 "$$1" "$$2"; }; \
	    keep packaging/etc/postern.toml $(DESTDIR)/etc/postern/postern.toml && \
	    keep packaging/etc/primary $(DESTDIR)/etc/postern/pam.d/primary && \
	    keep packaging/etc/other $(DESTDIR)/etc/postern/pam.d/other && \
	    for file in packaging/etc/pam.d/postern-*; do \
	        keep "$$file" "$(DESTDIR)/etc/pam.d/$${file##*/}" || exit 1; \
	    done

uninstall: ## takes away what `make install` brought, but for configuration, key and store
	@# What a package has put there is a package's to take away; dpkg would miss it, and an upgrade bring half of it back.
	@owned=$$($(DPKG) -S $(addprefix $(DESTDIR),$(PAMDIR)/pam_postern.so $(LIBDIR)/libpostern.so /usr/bin/postern /usr/sbin/posternd) 2>/dev/null); \
	    test -z "$$owned" || { \
	        packages=$$(printf '%s\n' "$$owned" | sed 's/: .*//' | sort -u | tr '\n' ' '); \
	        printf 'Nothing was removed. These belong to packages, which go by: apt remove %s\n%s\n' "$${packages% }" "$$owned" >&2; \
	        exit 2; }
	@# Where the module is gone, PAM refuses every login, or goes on to a line that takes the password alone.
	@naming=$$({ grep -lsE '^[^#]*postern' $(DESTDIR)/etc/pam.d/* | grep -v '/etc/pam\.d/postern-[^/]*$$'; \
	        grep -RlsE '^[^#]*postern-' $(DESTDIR)/etc/dovecot; \
	        grep -lsE '^[[:space:]]*postern_' $(addprefix $(DESTDIR),/etc/postfix/sasl/*.conf /etc/sasl2/*.conf /etc/sasl/*.conf); }); \
	    test -z "$$naming" || { \
	        printf 'Nothing was removed. These still ask for Postern; README.md, "Uninstall", has the lines that change them:\n%s\n' "$$naming" >&2; \
	        exit 2; }
	rm -f $(DESTDIR)/usr/lib/systemd/system/postern.socket $(DESTDIR)/usr/lib/systemd/system/postern.service
	rm -f $(DESTDIR)/usr/lib/sysusers.d/postern.conf $(DESTDIR)/usr/lib/tmpfiles.d/postern.conf
	rm -f $(DESTDIR)/usr/bin/postern $(DESTDIR)/usr/sbin/posternd $(DESTDIR)/usr/include/postern.h
	rm -f $(DESTDIR)$(PAMDIR)/pam_postern.so $(DESTDIR)$(LIBDIR)/libpostern.so
	$(if $(SASLDIR),rm -f $(DESTDIR)$(SASLDIR)/libpostern.so)
	@# Those in /etc/pam.d stay: a service without a file of its own falls to "other".
	rm -f $(patsubst packaging/etc/pam.d/%,$(DESTDIR)/usr/lib/pam.d/%,$(wildcard packaging/etc/pam.d/*))
	for page in packaging/man/*; do rm -f "$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}"; done
	rm -f $(addprefix $(DESTDIR)/usr/share/,bash-completion/completions/postern zsh/vendor-completions/_postern fish/vendor_completions.d/postern.fish)
	@# File by file: DOCDIR may be a folder of others too.
	find packaging/examples packaging/fail2ban packaging/apparmor packaging/guides -type f | while read -r file; do \
	    place=$${file#packaging/}; \
	    case $$place in fail2ban/* | apparmor/*) place=examples/$$place ;; esac; \
	    rm -f "$(DESTDIR)$(DOCDIR)/$$place"; \
	    rmdir -p --ignore-fail-on-non-empty "$(DESTDIR)$(DOCDIR)/$${place%/*}" 2>/dev/null || true; \
	done
	@echo 'These stay: /etc/postern (configuration, key), /var/lib/postern (store), and /etc/pam.d/postern-*, which refuse every login.'

deb: toolchain ## builds the Debian packages, into target/deb
	@packaging/build-deb

deb-test: toolchain ## installs them on clean Debian 12 and 13, logs in, upgrades, removes: some minutes; as root
	@tests/roots/run

test: toolchain packages-test build ## runs every test, real Dovecot and Postfix included; as root, else those are skipped
	@tests/run

proof: toolchain packages-proof build ## shows in full what `make test` shows in the small, and fuzzes: half an hour; as root, else some is skipped
	@tests/run proof

demo: ## shows logins with real mail clients, on private servers; as root
	@tests/demo/run

bench: toolchain packages-test build ## measures logins through Dovecot against pam_permit; as root
	@$(CARGO) run --quiet --locked --example bench

man: ## writes the manual pages of the command anew, after its help has changed
	@$(CARGO) run --quiet --locked --example man

packages:
	@tests/support/packages build

packages-test:
	@tests/support/packages build test

packages-proof:
	@tests/support/packages build test proof

toolchain:
	@tests/support/toolchain $(CARGO)
