-- The legacy platform of the member scenario on MariaDB: the tables of schema.postgres.sql in MariaDB's types.
-- One statement ends at each semicolon at the end of a line.

CREATE DATABASE IF NOT EXISTS members_db CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS members_db.chapters (
    id          int          PRIMARY KEY,
    code        varchar(20)  NOT NULL UNIQUE,
    name        varchar(200) NOT NULL,
    country     char(2)      NOT NULL,
    founded_on  date         NOT NULL,
    is_active   bit(1)       NOT NULL DEFAULT b'1'
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS members_db.members (
    id              bigint         PRIMARY KEY,
    first_name      varchar(500),
    last_name       varchar(500),
    email           varchar(500),
    phone           varchar(100),
    address_line    varchar(500),
    postal_code     varchar(40),
    city            varchar(200),
    country         varchar(2),
    birth_date      date,
    member_type     varchar(20)    NOT NULL DEFAULT 'regular',  -- regular, student, senior, corporate, honorary, test
    status          varchar(20)    NOT NULL DEFAULT 'active',   -- active, inactive, test
    chapter_id      int,                                        -- no foreign key: chapters were merged and closed over the years
    graduation_date date,                                       -- students have one, or should
    dues_balance    decimal(10, 2) NOT NULL DEFAULT 0,
    newsletter      bit(1)         NOT NULL DEFAULT b'0',
    notes           mediumtext,
    created_at      timestamp(3)   NOT NULL DEFAULT current_timestamp(3),
    updated_at      timestamp(3)   NOT NULL DEFAULT current_timestamp(3),
    deleted_at      timestamp(3)   NULL,
    last_login      timestamp(3)   NULL,
    KEY members_updated_at (updated_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS members_db.memberships (
    id          bigint         AUTO_INCREMENT PRIMARY KEY,
    member_id   bigint         NOT NULL,
    status      varchar(20)    NOT NULL,                        -- A active, L lapsed, P pending, C cancelled; and what people typed
    plan        varchar(40)    NOT NULL DEFAULT 'standard',
    dues        decimal(10, 2) NOT NULL DEFAULT 0,
    auto_renew  bit(1)         NOT NULL DEFAULT b'0',
    started_at  date           NOT NULL,
    expiry_date date,
    updated_at  timestamp(3)   NOT NULL DEFAULT current_timestamp(3),
    KEY memberships_updated_at (updated_at),
    FOREIGN KEY (member_id) REFERENCES members_db.members (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE SEQUENCE IF NOT EXISTS members_db.member_ids;
